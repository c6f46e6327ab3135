// How well a table of users and items ranks: the items that users took in a held-out part, among all items.

import { itemsOfUsers, type FieldFeatures } from "../dataset/interactions.js";
import type { Roles } from "../dataset/dataset.js";
import type { FeatureRows } from "../dataset/rows.js";
import type { FeatureSpace } from "../dataset/vocabulary.js";
import type { Metrics } from "../embedding/manifest.js";
import { rowsOf, type EmbeddingTable } from "../embedding/table.js";
import { evaluateRanking } from "../evaluation/ranking.js";
import type { SparseRows } from "../kernels/als.js";
import { NO_ITEM, type ItemLists } from "../kernels/top-items.js";

/** Items a list. */
const K = 20;

/**
 * Recall@20 and NDCG@20 over the users of the part, each one's items of training left out of the lists.
 *
 * Users that training has not seen are left out; items that it has not seen are missed, and count as one a user.
 *
 * @param train,part rows of the space, with the user and item features
 */
export async function rankingMetricsOf(
  table: EmbeddingTable,
  { space, roles }: { space: FeatureSpace; roles: Roles },
  { train, part }: { train: FeatureRows; part: FeatureRows },
  { threads, signal }: { threads: number; signal?: AbortSignal },
): Promise<Metrics> {
  const [user, item] = [featuresOf(space, roles.user!), featuresOf(space, roles.item!)];
  const listsOf = (rows: FeatureRows) => asTableRows(itemsOfUsers(rows, user, item));
  const vectorsOf = (field: string): Float32Array => {
    const { first, last } = rowsOf(table, field);
    return table.vectors.subarray(first * table.dim, last * table.dim);
  };
  return await evaluateRanking(
    { dim: table.dim, queries: vectorsOf(roles.user!), items: vectorsOf(roles.item!), masks: listsOf(train) },
    listsOf(part),
    { k: K, threads, ...(signal && { signal }) },
  );
}

/** Ids as rows of the table, which has no row 0 of unknown keys: such a user's events are none, such an item is NO_ITEM. */
function asTableRows({ indptr, indices }: SparseRows): ItemLists {
  return { indptr: indptr.slice(1), items: indices.map((id) => (id === 0 ? NO_ITEM : id - 1)) };
}

function featuresOf({ fields, offsets }: FeatureSpace, name: string): FieldFeatures {
  const f = fields.findIndex((field) => field.name === name);
  return { first: offsets[f]!, count: offsets[f + 1]! - offsets[f]! };
}
