// Encodes the items that a run ranks, and the users for whom it ranks them, as rows of its features.
//
//   the evaluated log's users ──► a row per user: only the user's feature, without an event's context
//   the evaluated log's items ──► a row per item: the features that the run stores; an unknown item gets a
//                                 placeholder row and is never recommended

import { mapTo } from "../../base/numeric/indices.js";
import type { Keys } from "../../log/keys.js";
import { idsOf } from "../../dataset/vocabulary/vocabulary.js";
import { KeyIndex } from "../../dataset/vocabulary/key-index.js";
import { rowsAt, type FeatureRows } from "../../dataset/rows.js";
import { readAdded } from "../../table/added.js";
import type { Run } from "../../table/run-directory.js";
import type { EmbeddingTable } from "../../table/table.js";
import { UsageError } from "../../base/errors.js";
import { vectorRanker, type RankerFor } from "../../metrics/rankers.js";
import { NO_ITEM } from "../../compute/kernels/top-items/binding.js";
import { readItems } from "../examples/item-file.js";
import type { ScoringModel } from "../capabilities/run-space.js";
import type { ItemRanker } from "../session/feature-training.js";

export interface RankedKeys {
  users: Keys;
  items: Keys;
}

export interface RankedUsers {
  /** u32[numQueries]: index of each query's user in RankedKeys.users */
  users: Uint32Array;
  /** vectors of users that the run does not know, computed from their events; if set, they are the queries */
  folded?: UserVectors | undefined;
}

/** One vector per query. */
export interface UserVectors {
  dim: number;
  /** vector of each query, f32[numQueries * dim] */
  vectors: Float32Array;
}

interface RankedItems {
  contextsOf: (users: Uint32Array) => FeatureRows;
  /** one feature row per item of RankedKeys */
  items: FeatureRows;
  isKnown: (item: number) => boolean;
}

/** A model that ranks items by vectors, which may read them from the disk. */
export type RankingModel = Pick<ScoringModel, "space" | "preprocess"> & ItemRanker;

export async function rankedItems(
  run: Run,
  model: Pick<ScoringModel, "space" | "preprocess">,
  keys: RankedKeys,
): Promise<RankedItems> {
  const catalogue = await readItems(run, model.preprocess);
  if (!catalogue || catalogue.items.size === 0) {
    throw new UsageError(
      `run '${run.path}' has no items to rank: train it with --item, or rank by its table (--score dot)`,
    );
  }
  const rows = rowsOfKeys(catalogue.items, keys.items);
  const standIns = rows.map((row) => (row === NO_ITEM ? 0 : row));
  return {
    contextsOf: contextsOf(model, keys.users),
    items: rowsAt(catalogue.templates, standIns),
    isKnown: (item) => rows[item] !== NO_ITEM,
  };
}

/**
 * Ranks items by the model's vectors. Unknown items are never recommended; an unknown user is represented by the
 * out-of-vocabulary feature.
 */
export async function rankByVectors(
  run: Run,
  model: RankingModel,
  keys: RankedKeys,
): Promise<RankerFor<RankedUsers>> {
  const { contextsOf, items: rows, isKnown } = await rankedItems(run, model, keys);
  const added = await readAdded(run);
  const rowsOfAdded = added && rowsOfKeys(added.keys, keys.items);
  return async ({ users, folded }) => {
    const { dim, queries: own, items, weights } = await model.rank(contextsOf(users), rows);
    const queries = folded ? foldedQueries(run, folded, dim) : own;
    const biases = weights ?? new Float32Array(rows.numRows);
    const found = biases.map((weight, item) => (isKnown(item) ? weight : -Infinity));
    if (rowsOfAdded) putAdded(added, rowsOfAdded, { dim, items, weights: found });
    if (dim > 0) return vectorRanker({ dim, queries, items, weights: found });
    // a linear model has no vectors and ranks the items in the same order for all users
    const nothing = { queries: new Float32Array(users.length), items: new Float32Array(rows.numRows) };
    return vectorRanker({ dim: 1, ...nothing, weights: found });
  };
}

/** Overwrites the vectors of added items. @param rows u32[numItems]: each item's added row, NO_ITEM if not added */
function putAdded(
  added: EmbeddingTable,
  rows: Uint32Array,
  { dim, items, weights }: { dim: number; items: Float32Array; weights: Float32Array },
): void {
  if (added.dim !== dim) return;
  rows.forEach((row, item) => {
    if (row === NO_ITEM) return;
    items.set(added.vectors.subarray(row * dim, (row + 1) * dim), item * dim);
    weights[item] = added.weights?.[row] ?? 0;
  });
}

/** Returns f32[numQueries * dim]. @throws {UsageError} the users' vectors have another dimension than the items' */
export function foldedQueries(
  run: Pick<Run, "path">,
  { dim: own, vectors }: UserVectors,
  dim: number,
): Float32Array {
  if (own === dim) return vectors;
  throw new UsageError(
    `--fold-in-share cannot evaluate run '${run.path}': it folds users into vectors of length ${own}, but ` +
      `ranks items by vectors of length ${dim}`,
  );
}

function contextsOf(
  { space, preprocess }: Pick<ScoringModel, "space" | "preprocess">,
  keys: Keys,
): RankedItems["contextsOf"] {
  const f = space.fields.findIndex(({ name }) => name === preprocess.roles.user);
  const field = space.fields[f];
  const ids = field?.kind === "key" ? idsOf(field, keys) : undefined;
  return (users) => ({
    numRows: users.length,
    width: ids ? 1 : 0,
    ids: ids ? users.map((user) => space.offsets[f]! + ids[user]!) : new Uint32Array(),
    labels: new Float32Array(users.length),
  });
}

/** Returns u32[wanted.size]: the index of each wanted key in `keys`, or NO_ITEM. */
export function rowsOfKeys(keys: Keys, wanted: Keys): Uint32Array {
  const index = new KeyIndex(keys);
  return mapTo(Uint32Array, { length: wanted.size }, (_, key) => index.find(wanted, key));
}
