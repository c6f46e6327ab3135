// A run's table as --cold ranks by it: users' queries, and items with places for new ones.
//
//   dot      q . v + weight, of models that rank so: q the user's row
//   cosine   q . v/|v|, of vectors of items alone: q the sum of the unit vectors of what the user has from training

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

/** How vectors rank. */
export interface VectorScoring {
  by: "dot" | "cosine";
  /** items' weights count, too */
  weighted: boolean;
}

/** A table's rows for users and items of a protocol. */
export interface RankedTable {
  dim: number;
  scoring: VectorScoring;
  /** as the run has it, items composed */
  table: EmbeddingTable;
  range: RowRange;
  /** f32[users of training * dim] */
  queries: Float32Array;
  /** f32[all items * dim], of unit length under cosine; zeros without a row */
  items: Float32Array;
  /** f32[all items]; -Infinity without a row */
  weights: Float32Array;
}

/** How a run ranks by vectors. @param given dot or cosine in place of its model's way @throws {UsageError} its model ranks in another way */
export async function vectorScoring(run: Run, given: "dot" | "cosine" | undefined): Promise<VectorScoring> {
  if (given) return { by: given, weighted: false };
  const { mips, rank, foldedRank, scoresBy, contexts, holds, command } = await knownModelOf(run);
  if (mips === "rows") return { by: "dot", weighted: true };
  if (foldedRank) return { by: foldedRank, weighted: false };
  if (contexts !== undefined && !rank) return { by: "cosine", weighted: false };
  const table = await run.withRows(undefined, (rows) => Promise.resolve(rows));
  // components rank by inner products of rows, which have no weights
  if (rank && scoresBy === "vectors" && !table.hasWeights) return { by: "dot", weighted: false };
  throw new UsageError(
    `run '${run.path}' holds ${holds} (${command}), which cannot rank by the rows of users and items (--cold): use ` +
      "--score dot or --score cosine to rank by its table",
  );
}

/** Opens a run's table for a protocol. @param all keys of all items @throws {UsageError} it has no field of items */
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

/** Puts an item's vector in its place, as the table's scoring has it. */
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
