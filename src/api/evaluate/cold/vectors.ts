// The vectors of a run's table in the form that --cold ranks by: queries of users, and vectors of known items with places for new ones.
//
//   dot      score = q . v + weight, for models that rank like that; q is the user's row
//   cosine   score = q . v/|v|, for tables of items alone; q is the sum of the unit vectors of the user's training items

import type { Keys } from "../../../log/keys.js";
import { readWithAdded } from "../../../embedding/added.js";
import { rowsOf, vectorsAt, type EmbeddingTable, type RowRange } from "../../../embedding/table.js";
import type { Run } from "../../../embedding/run-directory.js";
import { UsageError } from "../../../errors.js";
import { fieldsOf, sums, vectorsOfKeys } from "../../../ranking/table-ranker.js";
import { lengthOf } from "../../../retrieval/nearest.js";
import { NO_ITEM } from "../../../kernels/top-items/binding.js";
import type { TrainingEvents } from "../../../sampling/training-events.js";
import { knownModelOf } from "../../../trainers/index.js";
import { rowsOfKeys } from "../../../training/judging/ranked-items.js";
import { composeItems } from "../../compose.js";
import type { ItemVector } from "../../content/fold-in-items.js";

/** The score by which vectors rank items. */
export interface VectorScoring {
  by: "dot" | "cosine";
  /** whether the weight of the item is added */
  weighted: boolean;
}

/** Queries and item vectors of a table, in the numbering of a protocol. */
export interface RankedTable {
  dim: number;
  scoring: VectorScoring;
  /** the run's table with composed items */
  table: EmbeddingTable;
  range: RowRange;
  /** f32[users of training * dim] */
  queries: Float32Array;
  /** f32[all items * dim], of unit length for cosine; zeros if the item has no row */
  items: Float32Array;
  /** f32[all items]; -Infinity if the item has no row */
  weights: Float32Array;
}

/** Returns the score of a run's vectors. @param given score that replaces the model's own @throws {UsageError} the model has no such score */
export async function vectorScoring(run: Run, given: "dot" | "cosine" | undefined): Promise<VectorScoring> {
  if (given) return { by: given, weighted: false };
  const { mips, rank, foldedRank, scoresBy, contexts, holds, command } = await knownModelOf(run);
  if (mips === "rows") return { by: "dot", weighted: true };
  if (foldedRank) return { by: foldedRank, weighted: false };
  if (contexts !== undefined && !rank) return { by: "cosine", weighted: false };
  const table = await run.withRows(undefined, (rows) => Promise.resolve(rows));
  // components rank by dot products of rows without weights
  if (rank && scoresBy === "vectors" && !table.hasWeights) return { by: "dot", weighted: false };
  throw new UsageError(
    `run '${run.path}' holds ${holds} (${command}), which cannot rank by the rows of users and items (--cold): use ` +
      "--score dot or --score cosine to rank by its table",
  );
}

/** Reads a run's table for a protocol. @param all keys of all items @throws {UsageError} the table has no item field */
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
  const { dim } = table;
  const range = rowsOf(table, field);
  const { rows, vectors } = vectorsOfKeys(table, field, all, scoring.by === "cosine");
  const weightOf = (row: number) => (scoring.weighted ? (table.weights?.[range.first + row] ?? 0) : 0);
  const { user } = fieldsOf(run);
  return {
    ...{ dim, scoring, table, range, items: vectors },
    queries: table.fields.includes(user)
      ? vectorsOfKeys(table, user, users, false).vectors
      : sums(vectorsAt({ vectors, dim }, rowsOfKeys(all, trained)), history, dim),
    weights: Float32Array.from(rows, (row) => (row === NO_ITEM ? -Infinity : weightOf(row))),
  };
}

/** Sets the vector and weight of an item, normalized if the table ranks by cosine. */
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
