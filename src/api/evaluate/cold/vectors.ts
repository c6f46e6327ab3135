// Converts a run's table to the vectors by which --cold ranks: a query for each user, and an array of item vectors with
// room for new items.
//
//   dot      score = q . v + weight, for models that rank by this score; q is the user's row
//   cosine   score = q . v/|v|, for tables without users; q is the sum of the unit vectors of the user's training items

import type { Keys } from "../../../log/keys.js";
import { readWithAdded } from "../../../embedding/added.js";
import { tableRows } from "../../../embedding/rows.js";
import { rowsOf, vectorsAt, type EmbeddingTable, type RowRange } from "../../../embedding/table.js";
import type { Run } from "../../../embedding/run-directory.js";
import { UsageError } from "../../../errors.js";
import { fieldsOf, sums, vectorsOfKeys } from "../../../ranking/run-ranker.js";
import { lengthOf } from "../../../retrieval/nearest.js";
import { NO_ITEM } from "../../../kernels/top-items/binding.js";
import type { TrainingEvents } from "../../../sampling/training-events.js";
import { knownModelOf } from "../../../trainers/index.js";
import { rowsOfKeys } from "../../../training/judging/ranked-items.js";
import { composeItems } from "../../compose.js";
import type { ItemVector } from "../../content/fold-in-items.js";

/** The score by which a run's vectors rank items. */
export interface VectorScoring {
  by: "dot" | "cosine";
  /** whether the item's weight is added to the score */
  weighted: boolean;
}

/** User queries and item vectors of a table; user and item numbers are those of the --cold protocol (protocol.ts). */
export interface RankedTable {
  dim: number;
  scoring: VectorScoring;
  /** the run's table; the vectors of its items are sums over columns if the run composes items */
  table: EmbeddingTable;
  range: RowRange;
  /** query vectors of the users, f32[number of training users * dim] */
  queries: Float32Array;
  /** item vectors, f32[number of all items * dim], of unit length for cosine; zeros for an item without a row */
  items: Float32Array;
  /** item weights, f32[number of all items]; -Infinity for an item without a row */
  weights: Float32Array;
}

/** Returns the score of a run's vectors; `given` overrides it. @throws {UsageError} the model has no such score */
export async function vectorScoring(run: Run, given: "dot" | "cosine" | undefined): Promise<VectorScoring> {
  if (given) return { by: given, weighted: false };
  const { mips, rank, foldedRank, scoresBy, contexts, holds, command } = await knownModelOf(run);
  if (mips === "rows") return { by: "dot", weighted: true };
  if (foldedRank) return { by: foldedRank, weighted: false };
  if (contexts !== undefined && !rank) return { by: "cosine", weighted: false };
  const table = await run.withRows(undefined, (rows) => Promise.resolve(rows));
  // a model of components, such as an SVD, ranks by dot products of user and item rows, without weights
  if (rank && scoresBy === "vectors" && !table.hasWeights) return { by: "dot", weighted: false };
  throw new UsageError(
    `run '${run.path}' holds ${holds} (${command}), which cannot rank by the rows of users and items (--cold): use ` +
      "--score dot or --score cosine to rank by its table",
  );
}

/**
 * Reads user queries and item vectors for --cold from a run's table. @param all keys of all items @throws {UsageError}
 * the table has no item field
 */
export async function rankedTable(
  run: Run,
  field: string,
  { users, items: trained, history }: TrainingEvents,
  all: Keys,
  scoring: VectorScoring,
): Promise<RankedTable> {
  const composed = await composeItems(
    { run, table: await readWithAdded(run), fieldNamed: (name) => name },
    undefined,
  );
  const { table } = composed;
  const keyed = { table, rows: tableRows(table) };
  const { dim } = table;
  const range = rowsOf(table, field);
  const { rows, vectors } = await vectorsOfKeys(keyed, field, all, scoring.by === "cosine");
  const weightOf = (row: number) => (scoring.weighted ? (table.weights?.[range.first + row] ?? 0) : 0);
  const { user } = fieldsOf(run);
  return {
    ...{ dim, scoring, table, range, items: vectors },
    queries: table.fields.includes(user)
      ? (await vectorsOfKeys(keyed, user, users, false)).vectors
      : sums(vectorsAt({ vectors, dim }, rowsOfKeys(all, trained)), history, dim),
    weights: Float32Array.from(rows, (row) => (row === NO_ITEM ? -Infinity : weightOf(row))),
  };
}

/** Sets the vector and the weight of an item; the vector is scaled to length 1 if the score is the cosine. */
export function putItem(
  { dim, scoring, items, weights }: Pick<RankedTable, "dim" | "scoring" | "items" | "weights">,
  item: number,
  { vector, weight }: ItemVector,
): void {
  items.set(vector, item * dim);
  if (scoring.by === "cosine") {
    const length = lengthOf(items, item * dim, dim);
    if (length > 0) for (let d = 0; d < dim; d++) items[item * dim + d]! /= length;
  }
  weights[item] = scoring.weighted ? weight : 0;
}
