// What ranks the items of a protocol: a run by its model, or by its table alone.

import { idsOf } from "../../dataset/vocabulary.js";
import { KeyIndex } from "../../dataset/key-index.js";
import { rowsAt, type FeatureRows } from "../../dataset/rows.js";
import type { Run } from "../../embedding/run-directory.js";
import { keysOfRows, rowsOf, type EmbeddingTable } from "../../embedding/table.js";
import { UsageError } from "../../errors.js";
import { vectorRanker, type Ranker } from "../../evaluation/rankers.js";
import type { Dictionary } from "../../log/dictionary.js";
import { NO_ITEM } from "../../sampling/negatives.js";
import { GBDT_MODEL } from "../../trainers/gbdt/artifact.js";
import { readModel, type ScoringModel } from "../../trainers/learners.js";
import { readItems } from "../../training/item-file.js";
import type { RankingProtocol } from "./ranking-protocol.js";

/** How a run ranks: by its model, or by the vectors of its table alone. */
export const scorings = ["model", "dot", "cosine"] as const;
export type Scoring = (typeof scorings)[number];

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
  if (scoring === "model") return await rankerOfModel(run, protocol, inPlace);
  return rankerOfTable(run, await run.readTable(table), protocol, scoring);
}

/** An item that the run lacks is never found; of a user that it lacks it knows what it knows of unknown keys. */
async function rankerOfModel(
  run: Run,
  { training, users }: RankingProtocol,
  inPlace: EmbeddingTable | undefined,
): Promise<Ranker> {
  const model: ScoringModel | undefined =
    run.manifest.model === GBDT_MODEL ? undefined : await readModel(run, inPlace);
  if (!model?.rank) {
    const hint = model ? "; --score dot or --score cosine ranks by its table" : "";
    throw new UsageError(
      `run '${run.path}' holds a model '${run.manifest.model}', which has no vectors that rank items${hint}`,
    );
  }
  const catalogue = await readItems(run, model.preprocess);
  if (!catalogue || catalogue.items.size === 0) {
    throw new UsageError(
      `run '${run.path}' keeps no items to rank: train it with --item, or rank by its table (--score dot)`,
    );
  }
  const rows = rowsOfKeys(catalogue.items, training.items);
  // what stands in for items that the run lacks is never found
  const known = rows.map((row) => (row === NO_ITEM ? 0 : row));
  const { dim, queries, items, weights } = model.rank(
    contextsOf(model, training.users, users),
    rowsAt(catalogue.templates, known),
  );
  const own = weights ?? new Float32Array(rows.length);
  const found = own.map((weight, item) => (rows[item] === NO_ITEM ? -Infinity : weight));
  if (dim > 0) return vectorRanker({ dim, queries, items, weights: found });
  // a linear model ranks alike for all
  const nothing = { queries: new Float32Array(users.length), items: new Float32Array(rows.length) };
  return vectorRanker({ dim: 1, ...nothing, weights: found });
}

/** A row a user: the user's own feature, the context of an event left out. */
function contextsOf({ space, preprocess }: ScoringModel, keys: Dictionary, users: Uint32Array): FeatureRows {
  const labels = new Float32Array(users.length);
  const f = space.fields.findIndex(({ name }) => name === preprocess.roles.user);
  const field = space.fields[f];
  if (field?.kind !== "key") return { numRows: users.length, width: 0, ids: new Uint32Array(), labels };
  const ids = idsOf(field, keys);
  return {
    numRows: users.length,
    width: 1,
    ids: users.map((user) => space.offsets[f]! + ids[user]!),
    labels,
  };
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

/** u32[wanted.size]: where each wanted key stands; NO_ITEM for none. */
function rowsOfKeys(keys: Dictionary, wanted: Dictionary): Uint32Array {
  const index = new KeyIndex(keys);
  return Uint32Array.from({ length: wanted.size }, (_, key) => index.find(wanted, key));
}

/** A zero vector stays as it is. */
function toLength1(vectors: Float32Array, row: number, dim: number): void {
  let squares = 0;
  for (let at = row * dim; at < (row + 1) * dim; at++) squares += vectors[at]! * vectors[at]!;
  const length = Math.sqrt(squares) || 1;
  for (let at = row * dim; at < (row + 1) * dim; at++) vectors[at]! /= length;
}
