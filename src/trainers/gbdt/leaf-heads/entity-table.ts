// Computes a vector for each key of a column from the leaves of its rows.
//
//   M[key][leaf] = share of the key's rows that fall into the leaf
//   M - its column means ~ U S V'      vector = row of U S
//
// Cosines and distances of the vectors approximate those between the centered rows of M, as well as `dim` components
// can.

import { mapTo } from "../../../numeric/indices.js";
import { MISSING } from "../../../log/keys.js";
import { columnOfOption } from "../../../dataset/dataset.js";
import { fitFeatures, idsOf, type CategoricalField } from "../../../dataset/vocabulary/vocabulary.js";
import type { EmbeddingTable } from "../../../embedding/table.js";
import { UsageError } from "../../../errors.js";
import { transpose } from "../../../dataset/sequences/interactions.js";
import { truncatedSvd, type SvdOptions } from "../../../solvers/svd/truncated-svd.js";
import { leafStarts, type TreeSums } from "../forest/forest.js";
import { leavesOf, type DatasetRows, type ScoringTrees } from "../forest/scorer.js";
import type { Watch } from "../../../training/session/watch.js";

/**
 * Returns a table with a vector for each key of the column. The vectors have fewer dimensions, with a note, if the
 * matrix M of keys and leaves has a lower rank.
 * @throws {UsageError} the column is not a key column
 */
export async function entityTable(
  trees: ScoringTrees,
  { dataset, rows }: DatasetRows,
  name: string,
  options: Omit<SvdOptions, "tolerance">,
  { observe, signal }: Watch,
): Promise<EmbeddingTable> {
  const { forest } = trees;
  const column = columnOfOption(dataset, "--entity", name);
  if (column.kind !== "key")
    throw new UsageError(`--entity names column '${name}', which is not a key column`);
  const alone = { ...dataset, roles: { ...dataset.roles, fields: [name], numeric: [], multi: {} } };
  const { keys, counts } = fitFeatures(alone, rows, 1).fields[0] as CategoricalField;
  const ids = idsOf({ keys }, column.dictionary);

  // numbers the key of each row (0 for a row without a key), and sorts the rows by key
  const entities = mapTo(Uint32Array, rows, (row) =>
    column.codes[row] === MISSING ? 0 : ids[column.codes[row]!]!,
  );
  const order = Uint32Array.from(entities.keys()).sort((a, b) => entities[a]! - entities[b]! || a - b);
  const leaves = await leavesOf(trees, { dataset, rows }, options.threads);
  const matrix = meanEncodings(forest, leaves, order, entities, counts);
  const { numLeaves } = leafStarts(forest);
  const columns = transpose(matrix, numLeaves);
  const means = mapTo(Float32Array, { length: numLeaves }, (_, leaf) => {
    let sum = 0;
    for (let e = columns.indptr[leaf]!; e < columns.indptr[leaf + 1]!; e++) sum += columns.values![e]!;
    return sum / keys.size;
  });
  const svd = await truncatedSvd({ rows: matrix, columns, means }, { ...options, tolerance: 0.01 }, signal);
  const { dim, left, singularValues } = svd;
  if (dim < options.dim) {
    const text =
      `the leaves of the keys of '${name}' have rank ${dim}: the table has ${dim} ` +
      `dimensions instead of ${options.dim}`;
    observe({ stage: "note", text });
  }
  return {
    dim,
    numRows: keys.size,
    fields: [name],
    fieldOf: new Uint32Array(keys.size),
    keys,
    counts: counts.slice(1),
    vectors: left.map((u, at) => u * singularValues[at % dim]!),
  };
}

/**
 * Returns the matrix M of keys and leaves in sparse form: for each key, the share of its rows in each leaf.
 * @param order row indexes sorted by key; rows without a key (0) come first
 */
function meanEncodings(
  forest: TreeSums,
  leaves: Uint16Array,
  order: Uint32Array,
  entities: Uint32Array,
  counts: Uint32Array,
): { indptr: Uint32Array; indices: Uint32Array; values: Float32Array } {
  const { starts, numLeaves } = leafStarts(forest);
  const indptr = new Uint32Array(counts.length);
  const [indices, values]: [number[], number[]] = [[], []];
  const held = new Uint32Array(numLeaves);
  let at = order.findIndex((i) => entities[i]! > 0);
  for (let entity = 1; entity < counts.length; entity++) {
    const touched = new Set<number>();
    for (; at >= 0 && at < order.length && entities[order[at]!] === entity; at++) {
      starts.forEach((start, t) => {
        const leaf = start + leaves[order[at]! * starts.length + t]!;
        held[leaf]!++;
        touched.add(leaf);
      });
    }
    for (const leaf of [...touched].sort((a, b) => a - b)) {
      indices.push(leaf);
      values.push(held[leaf]! / counts[entity]!);
      held[leaf] = 0;
    }
    indptr[entity] = indices.length;
  }
  return { indptr, indices: Uint32Array.from(indices), values: Float32Array.from(values) };
}
