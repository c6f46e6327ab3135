// Early stopping by recall: whether the item that follows another in a session is among the k nearest of it, by the cosine.

import { ascending } from "../../numeric/indices.js";
import { meanOf, rankedByUser } from "../../evaluation/ranking.js";
import type { UserMetric } from "../../evaluation/user-metric.js";
import { NO_ITEM, type ItemLists } from "../../kernels/top-items/binding.js";
import { unitRows } from "../../retrieval/nearest.js";
import type { HeldOut } from "../../skip-grams/sessions.js";

/** Queries at most; of more every so many-th is. */
const MOST_QUERIES = 4096;

interface NextItemsOptions {
  dim: number;
  k: number;
  threads: number;
}

/** Looks at f32[numFeatures * dim]. */
export interface NextItems {
  /** recallAtK and ndcgAtK */
  of(vectors: Float32Array, signal: AbortSignal): Promise<Record<string, number>>;
  /** recallAtK by query, beside that of the items that occur most. @param totals f64[numFeatures] */
  beside(
    vectors: Float32Array,
    totals: Float64Array,
    signal: AbortSignal,
  ): Promise<{ model: UserMetric; alone: UserMetric } | undefined>;
}

/**
 * A look at how well the next item is found.
 *
 * A query is the last item before a held-out one in its session, whatever part that item is of; the item itself is not found.
 *
 * @param first,end features of the items @param totals f64[numFeatures]: an item without events is never found
 * @returns undefined where no item follows another
 */
export function nextItems(
  { offsets, tokens, numSessions, isHeldOut }: HeldOut,
  [first, end]: readonly [first: number, end: number],
  totals: Float64Array,
  { dim, k, threads }: NextItemsOptions,
): NextItems | undefined {
  const pairs: [before: number, next: number][] = [];
  for (let s = 0; s < numSessions; s++) {
    let before: number | undefined;
    for (let i = offsets[s]!; i < offsets[s + 1]!; i++) {
      const token = tokens[i]!;
      if (token < first || token >= end) continue;
      if (isHeldOut[i] && before !== undefined && before !== token) pairs.push([before, token]);
      before = token;
    }
  }
  if (pairs.length === 0) return undefined;
  const step = Math.ceil(pairs.length / MOST_QUERIES);
  const asked = pairs.filter((_, i) => i % step === 0);
  const masks = listsOf(asked.map(([before]) => before - first));
  const heldOut = listsOf(asked.map(([, next]) => (totals[next]! > 0 ? next - first : NO_ITEM)));
  const weights = Float32Array.from(totals.subarray(first, end), (total) => (total > 0 ? 0 : -Infinity));
  const byQuery = async (vectors: Float32Array, signal: AbortSignal): Promise<UserMetric[]> => {
    const items = unitRows(vectors.subarray(first * dim, end * dim), dim);
    const queries = new Float32Array(asked.length * dim);
    asked.forEach(([before], q) => {
      queries.set(items.subarray((before - first) * dim, (before - first + 1) * dim), q * dim);
    });
    return await rankedByUser({ dim, queries, items, weights, masks }, heldOut, { k, threads, signal });
  };
  return {
    of: async (vectors, signal) => Object.fromEntries((await byQuery(vectors, signal)).map(meanOf)),
    async beside(vectors, counts, signal) {
      const flat = { dim: 1, queries: new Float32Array(asked.length), items: new Float32Array(end - first) };
      const popular = Float32Array.from(weights, (weight, i) => (weight === 0 ? counts[first + i]! : weight));
      const input = { ...flat, weights: popular, masks };
      const alone = (await rankedByUser(input, heldOut, { k, threads, signal }))[0];
      const model = (await byQuery(vectors, signal))[0];
      return model && alone && { model, alone };
    },
  };
}

/** A list of one item for each. */
function listsOf(items: readonly number[]): ItemLists {
  return {
    indptr: ascending(items.length + 1),
    items: Uint32Array.from(items),
  };
}
