// A list of edges: two columns of keys. The keys are the nodes of the graph.
//
//   source   target                 node
//   a        b            ──►       a  b  c    (numbered by first appearance in the source, then the target)
//   b        c

import { MISSING, selectKeys, joinedKeys, type Keys } from "../../log/keys.js";
import { DataError, UsageError } from "../../base/errors.js";
import { columnNamed, timeColumn, type Dataset, type KeyColumn } from "../dataset.js";
import type { Edges } from "./graph.js";
import { KeyIndex } from "../vocabulary/key-index.js";
import type { EdgeColumns } from "../roles.js";
import { idsOf, type FeatureSpace } from "../vocabulary/vocabulary.js";

/** Name of the field whose keys are the nodes: the keys of the source and of the target column. */
export const NODE_FIELD = "node";

/**
 * Returns the ends of a list's edges as separate rows with one column of keys, on which a vocabulary can be fitted. Row
 * e is the source of edge e, row numRows + e its target; times are those of the edges.
 *
 * @throws {UsageError} a column does not hold keys
 */
export function endsOf(edges: Dataset, { source, target }: EdgeColumns): Dataset {
  const [from, to] = [keyColumn(edges, "--source", source), keyColumn(edges, "--target", target)];
  const { dictionary, codes: toCodes } = united(from.dictionary, to.dictionary);
  const m = edges.numRows;
  const codes = new Uint32Array(2 * m);
  codes.set(from.codes);
  for (let e = 0; e < m; e++) codes[m + e] = to.codes[e] === MISSING ? MISSING : toCodes[to.codes[e]!]!;
  const node: KeyColumn = { kind: "key", name: NODE_FIELD, codes, dictionary };
  const times = timeColumn(edges);
  const { firstOther: _, hashKeys, ...rest } = edges;
  return {
    ...rest,
    ...(hashKeys && { hashKeys: { ...hashKeys, columns: [NODE_FIELD] } }),
    numRows: 2 * m,
    columns: [node, ...(times ? [{ ...times, values: twice(times.values) }] : [])],
    roles: {
      ...(times && { time: times.name }),
      ...{ fields: [NODE_FIELD], numeric: [], multi: {} },
    },
  };
}

/**
 * Returns the number of keys that are both source and target of edges. @throws {UsageError} a column does not hold keys
 */
export function numSharedKeys(edges: Dataset, { source, target }: EdgeColumns): number {
  const [from, to] = [keyColumn(edges, "--source", source), keyColumn(edges, "--target", target)];
  const { dictionary } = united(from.dictionary, to.dictionary);
  return from.dictionary.size + to.dictionary.size - dictionary.size;
}

/**
 * Returns the indexes of the rows that endsOf creates for the given edges: all sources, then all targets.
 * @param rows u32: indexes of the edges
 */
export function rowsOfEnds(numEdges: number, rows: Uint32Array): Uint32Array {
  const ends = new Uint32Array(2 * rows.length);
  ends.set(rows);
  for (let i = 0; i < rows.length; i++) ends[rows.length + i] = numEdges + rows[i]!;
  return ends;
}

/**
 * Returns edges of a list as pairs of features of the feature space of nodes; MISSING for a key that it lacks.
 *
 * @param ends the ends of the list, as returned by endsOf
 * @param rows u32: indexes of the edges
 * @param weights f32: weight of each row of the list
 */
export function edgesOf(
  space: FeatureSpace,
  ends: Dataset,
  rows: Uint32Array,
  weights: Float32Array | undefined,
): Edges {
  const f = space.fields.findIndex(({ name }) => name === NODE_FIELD);
  const [field, node] = [space.fields[f], columnNamed(ends, NODE_FIELD)];
  if (field?.kind !== "key" || node.kind !== "key") throw new RangeError("nodes are keys");
  const ids = idsOf(field, node.dictionary);
  const { codes } = node;
  const offset = space.offsets[f]!;
  const featuresFrom = (first: number): Uint32Array => {
    const features = new Uint32Array(rows.length);
    for (let i = 0; i < rows.length; i++) {
      const code = codes[first + rows[i]!]!;
      const id = code === MISSING ? 0 : ids[code]!;
      features[i] = id === 0 ? MISSING : offset + id;
    }
    return features;
  };
  const weightsOf = (byRow: Float32Array): Float32Array => {
    const own = new Float32Array(rows.length);
    for (let i = 0; i < rows.length; i++) own[i] = byRow[rows[i]!]!;
    return own;
  };
  return {
    sources: featuresFrom(0),
    targets: featuresFrom(ends.numRows / 2),
    ...(weights && { weights: weightsOf(weights) }),
  };
}

/**
 * Checks that the weights of a list of edges are above 0, because reading checks this only if it knows that the rows
 * are edges.
 *
 * @throws {DataError} a weight is not above 0
 */
export function checkEdgeWeights(edges: Dataset): void {
  const { weight } = edges.roles;
  const column = weight === undefined ? undefined : columnNamed(edges, weight);
  if (column?.kind !== "number") return;
  const odd = column.values.findIndex((value) => !(Math.fround(value) > 0 && Math.fround(value) < Infinity));
  if (odd < 0) return;
  throw new DataError(`row ${odd + 1}: expected a positive edge weight, got ${column.values[odd]}`, {
    file: edges.inputs.map(({ path }) => path).join(", "),
    column: column.name,
  });
}

function keyColumn(dataset: Dataset, flag: string, name: string): KeyColumn {
  const column = dataset.columns.find((candidate) => candidate.name === name);
  if (!column)
    throw new UsageError(
      `${flag} names column '${name}', which is excluded: remove it from --ignore, or add it to --fields`,
    );
  if (column.kind === "key") return column;
  throw new UsageError(`${flag} needs one key per row, but the column '${name}' is numeric or multi-valued`);
}

/** Merges two dictionaries; the first keeps its codes. @returns also the new codes of the second, u32[second.size] */
function united(first: Keys, second: Keys): { dictionary: Keys; codes: Uint32Array } {
  const index = new KeyIndex(first);
  const codes = new Uint32Array(second.size);
  const added: number[] = [];
  for (let code = 0; code < second.size; code++) {
    const found = index.find(second, code);
    codes[code] = found >= 0 ? found : first.size + added.push(code) - 1;
  }
  return { dictionary: joinedKeys(first, selectKeys(second, Uint32Array.from(added))), codes };
}

function twice(values: Float64Array): Float64Array {
  const both = new Float64Array(2 * values.length);
  both.set(values);
  both.set(values, values.length);
  return both;
}
