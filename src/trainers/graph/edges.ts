// Finds the edges of a log: its rows, or the steps from one event to the next in its sessions.

import { MISSING } from "../../log/keys.js";
import type { Dataset } from "../../dataset/dataset.js";
import {
  checkEdgeWeights,
  edgesOf,
  endsOf,
  numSharedKeys,
  rowsOfEnds,
} from "../../dataset/graph/edge-list.js";
import { transitionsOf, type Edges } from "../../dataset/graph/graph.js";
import type { EdgeColumns } from "../../dataset/roles.js";
import { gapOf, sequencesOf } from "../../dataset/sequences/sequences.js";
import { areNamedUserAndItem } from "../../log/infer.js";
import { idsOf, type FeatureSpace } from "../../dataset/vocabulary/vocabulary.js";
import { UsageError } from "../../base/errors.js";
import {
  withWeights,
  type Counted,
  heldOutOf,
  inTheirSessions,
  sessionColumn,
  sessionGrouping,
  sessionsNote,
  tokensOf,
} from "../shared/skip-grams/sessions.js";
import type { Part, LogParts } from "../../training/examples/examples.js";
import { edgeColumnsOf, type GivenGraph } from "./options.js";

/** Edges of the splits of a log, and the rows from which they were made. */
export interface EdgeSource {
  /** dataset and rows on which the vocabulary of nodes is fitted: training rows with a weight above 0 */
  nodes: Dataset;
  rows: Uint32Array;
  /** in the form of `nodes`: rows that contain one node each */
  parts: Pick<LogParts, "valid" | "test">;
  /** notes on how rows become edges */
  notes: readonly string[];
  warnings: readonly string[];
  /** edges as features, with notes on edges that were dropped */
  train(space: FeatureSpace): { edges: Edges; notes: readonly string[] };
  /** for sessions, the edges that end at an event of the validation split */
  valid(space: FeatureSpace): Edges | undefined;
}

export function edgeSource(parts: LogParts, counted: Counted, given: GivenGraph): EdgeSource {
  const columns = edgeColumnsOf(given);
  return columns ? ofList(parts, counted, columns) : ofSessions(parts, counted, given);
}

function ofList(parts: LogParts, counted: Counted, columns: EdgeColumns): EdgeSource {
  const { train, valid, test } = parts;
  // converts each dataset only once, for all of its splits, because the result has two rows (nodes) per edge
  const known = new Map<Dataset, Dataset>();
  const nodesOf = (dataset: Dataset): Dataset => {
    const found = known.get(dataset);
    if (found) return found;
    checkEdgeWeights(dataset);
    const nodes = endsOf(dataset, columns);
    known.set(dataset, nodes);
    return nodes;
  };
  const asNodes = (part: Part | undefined) =>
    part && { dataset: nodesOf(part.dataset), rows: rowsOfEnds(part.dataset.numRows, part.rows) };
  const edges = (space: FeatureSpace, part: Part, rows: Uint32Array) =>
    edgesOf(space, nodesOf(part.dataset), rows, counted.of(part));
  return {
    nodes: nodesOf(train.dataset),
    rows: rowsOfEnds(train.dataset.numRows, train.rows),
    parts: { valid: asNodes(valid), test: asNodes(test) },
    notes: [],
    warnings: mergedKinds(train.dataset, columns),
    train: (space) => ({ edges: edges(space, train, train.rows), notes: [] }),
    valid: (space) => valid && edges(space, valid, valid.rows),
  };
}

function ofSessions(parts: LogParts, counted: Counted, given: GivenGraph): EdgeSource {
  const { train, valid } = parts;
  const { dataset } = train;
  const item = dataset.roles.item!;
  const gap = given.sessionGap === undefined ? undefined : gapOf(given.sessionGap, "--session-gap");
  const minStay = given.minStay === undefined ? undefined : gapOf(given.minStay, "--min-stay");
  const sequences = (space: FeatureSpace, part: Part) => {
    const by = sessionGrouping(part.dataset.roles, gap !== undefined);
    if (!by) throw new UsageError(neither(part.dataset));
    const weights = counted.of(part);
    return withWeights(
      sequencesOf(part.dataset, part.rows, tokensOf(space, part, [item], weights), {
        // a step from a node to itself is not an edge; sessions may have any length
        ...{ by, minLength: 2, maxLength: Number.MAX_SAFE_INTEGER, repeats: false },
        gap,
        minStay,
      }),
      weights,
    );
  };
  if (!sessionGrouping(dataset.roles, gap !== undefined)) throw new UsageError(neither(dataset));
  return {
    nodes: dataset,
    rows: train.rows,
    parts,
    notes: [`${sessionsNote(dataset.roles, gap !== undefined)}; each pair of consecutive events is an edge`],
    warnings: [],
    train(space) {
      const own = sequences(space, train);
      return { edges: transitionsOf(own), notes: own.notes };
    },
    valid(space) {
      if (!valid) return undefined;
      const by = sessionColumn(valid.dataset.roles, gap !== undefined);
      const found = heldOutOf(sequences(space, inTheirSessions(train, valid, by)), valid);
      return found && transitionsOf(found, found.isHeldOut);
    },
  };
}

/** Warns if users and items become the same nodes, because they have the same keys. */
function mergedKinds(edges: Dataset, columns: EdgeColumns): string[] {
  const { source, target } = columns;
  const shared = areNamedUserAndItem(source, target) ? numSharedKeys(edges, columns) : 0;
  if (shared === 0) return [];
  return [
    `'${source}' and '${target}' are users and items by their names, and ${shared.toLocaleString("en")} keys occur in ` +
      "both: each becomes one node, as if it were a user and an item at once. Write a letter before each key, such as " +
      "u5 and i5, or train vectors of users and items with embed train-als or embed train-ranking",
  ];
}

function neither({ columns }: Dataset): string {
  const names = columns.map(({ name }) => name).join(", ");
  return (
    "train-graph needs an edge list (--source and --target) or events in sessions (--session, or --user): " +
    `the columns in use are ${names}`
  );
}

/** @param isLinked u8[numFeatures]: 1 for nodes with an edge to another node */
export function linkedRows(
  space: FeatureSpace,
  { columns }: Dataset,
  rows: Uint32Array,
  isLinked: Uint8Array,
): Uint32Array {
  const field = space.fields[0]!;
  const column = columns.find(({ name }) => name === field.name);
  if (field.kind !== "key" || column?.kind !== "key") throw new RangeError("nodes are keys");
  const { codes, dictionary } = column;
  const ids = idsOf(field, dictionary);
  return rows.filter(
    (row) => codes[row] !== MISSING && isLinked[space.offsets[0]! + ids[codes[row]!]!] === 1,
  );
}

/** Finds the features with an edge that is not a self-loop, and counts self-loops. @returns isLinked u8[numFeatures] */
export function linkedNodes(
  numFeatures: number,
  { sources, targets }: Edges,
): { isLinked: Uint8Array; loops: number } {
  const isLinked = new Uint8Array(numFeatures);
  let loops = 0;
  for (let e = 0; e < sources.length; e++) {
    const [a, b] = [sources[e]!, targets[e]!];
    if (a === MISSING || b === MISSING) continue;
    if (a === b) loops++;
    else isLinked[a] = isLinked[b] = 1;
  }
  return { isLinked, loops };
}
