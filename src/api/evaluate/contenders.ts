// What ranks the items of a protocol: a run by its model, or by its table alone.

import type { Run } from "../../embedding/run-directory.js";
import { keysOfRows, rowsOf, type EmbeddingTable } from "../../embedding/table.js";
import { vectorRanker, type Ranker } from "../../evaluation/rankers.js";
import type { Capabilities } from "../../training/model.js";
import type { Dictionary } from "../../log/dictionary.js";
import { NO_ITEM } from "../../sampling/negatives.js";
import { capable } from "../../trainers/index.js";
import { rowsOfKeys } from "../../training/ranked-items.js";
import { insteadOfRanking } from "./instead.js";
import type { RankingProtocol } from "./ranking-protocol.js";

/** How a run ranks: by its model, or by the vectors of its table alone. */
export const scorings = ["model", "dot", "cosine"] as const;
export type Scoring = (typeof scorings)[number];

/** @throws {UsageError} the run's kind of model ranks no items, and is to rank by it */
export async function checkRanks(run: Run, scoring: Scoring): Promise<void> {
  if (scoring === "model") await ranksOf(run);
}

async function ranksOf(run: Run): Promise<NonNullable<Capabilities["rank"]>> {
  return await capable(run, "rank", "cannot rank items", await insteadOfRanking(run));
}

/**
 * What ranks by a run.
 *
 * @param how.table by its name, for a scoring by a table alone
 * @param how.inPlace rows that the model takes in place of its own
 * @throws {UsageError} the run cannot rank in that way
 */
export async function rankerOfRun(
  run: Run,
  protocol: RankingProtocol,
  how: { scoring: Scoring; table?: string | undefined; inPlace?: EmbeddingTable | undefined },
): Promise<Ranker> {
  const { scoring, table, inPlace } = how;
  if (scoring === "model") return await (await ranksOf(run))(run, protocol, inPlace);
  return rankerOfTable(run, await run.readTable(table), protocol, scoring);
}

/** By inner product or cosine of users' and items' rows; a table without users has them as the sum of their items. */
function rankerOfTable(
  run: Run,
  table: EmbeddingTable,
  { training, users }: RankingProtocol,
  scoring: "dot" | "cosine",
): Ranker {
  const roles = run.manifest.roles as { user?: string; item?: string };
  const { dim } = table;
  const vectorsOf = (field: string, keys: Dictionary) => {
    const { first } = rowsOf(table, field);
    const rows = rowsOfKeys(keysOfRows(table, rowsOf(table, field)), keys);
    const vectors = new Float32Array(keys.size * dim);
    rows.forEach((row, key) => {
      if (row === NO_ITEM) return;
      vectors.set(table.vectors.subarray((first + row) * dim, (first + row + 1) * dim), key * dim);
    });
    if (scoring === "cosine") for (let key = 0; key < keys.size; key++) toLength1(vectors, key, dim);
    return { rows, vectors };
  };
  const items = vectorsOf(roles.item ?? "item", training.items);
  const queries = new Float32Array(users.length * dim);
  const userField = roles.user ?? "user";
  if (table.fields.includes(userField)) {
    const all = vectorsOf(userField, training.users).vectors;
    users.forEach((user, q) => queries.set(all.subarray(user * dim, (user + 1) * dim), q * dim));
  } else {
    const { indptr, items: own } = training.history;
    users.forEach((user, q) => {
      for (let at = indptr[user]!; at < indptr[user + 1]!; at++) {
        for (let d = 0; d < dim; d++) queries[q * dim + d]! += items.vectors[own[at]! * dim + d]!;
      }
    });
  }
  const weights = Float32Array.from(items.rows, (row) => (row === NO_ITEM ? -Infinity : 0));
  return vectorRanker({ dim, queries, items: items.vectors, weights });
}

/** A zero vector stays as it is. */
function toLength1(vectors: Float32Array, row: number, dim: number): void {
  let squares = 0;
  for (let at = row * dim; at < (row + 1) * dim; at++) squares += vectors[at]! * vectors[at]!;
  const length = Math.sqrt(squares) || 1;
  for (let at = row * dim; at < (row + 1) * dim; at++) vectors[at]! /= length;
}
