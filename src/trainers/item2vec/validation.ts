// Validates epochs: the loss of held-out events in their sessions or, with --metric recall, the rank of the
// next item.

import type { Dataset } from "../../dataset/dataset.js";
import type { FeatureSpace } from "../../dataset/vocabulary/vocabulary.js";
import type { Metrics } from "../../table/manifest.js";
import { DataError, UsageError } from "../../base/errors.js";
import type { EpochEvent } from "../../training/epochs/epoch-loop.js";
import type { LogParts } from "../../training/examples/examples.js";
import type { Item2vecOptions, GivenItem2vec } from "./options.js";
import type { HeldOutSequences } from "../shared/skip-grams/sessions.js";
import { ascending } from "../../base/numeric/indices.js";
import { namedMean, rankedByUser } from "../../metrics/ranking.js";
import type { UserMetric } from "../../metrics/user-metric.js";
import { NO_ITEM, type ItemLists } from "../../compute/kernels/top-items/binding.js";
import { unitRows } from "../../table/retrieval/nearest.js";

export interface Validation {
  heldOut: HeldOutSequences;
  /** recallAtK and ndcgAtK of the next item; only if recall is the stopping metric */
  nextItems?: NextItems;
}

interface Found {
  space: FeatureSpace;
  heldOut: HeldOutSequences | undefined;
  totals: Float64Array;
  dataset: Dataset;
  parts: Pick<LogParts, "valid">;
}

/** Returns undefined if nothing can be validated. */
export function validationOf(
  { space, heldOut, totals, dataset, parts }: Found,
  { metric, ...options }: Item2vecOptions,
  given: GivenItem2vec,
  warn: (text: string) => void,
): Validation | undefined {
  if (!parts.valid) {
    if (given.metric === undefined) return undefined;
    throw new UsageError(`--metric ${metric} is a stopping metric and needs a validation split: set --valid`);
  }
  if (metric === "recall") {
    const f = space.fields.findIndex(({ name }) => name === dataset.roles.item);
    if (f < 0)
      throw new UsageError(
        "--metric recall needs an item column: name it with --item and include it in --tokens",
      );
    const range = [space.offsets[f]!, space.offsets[f + 1]!] as const;
    const validate = heldOut && nextItems(heldOut, range, totals, options);
    if (validate) return { heldOut, nextItems: validate };
    throw new DataError(
      "--metric recall is undefined: no item in the validation split follows another item of its session; " +
        "use --metric loss or another --split",
      { file: dataset.inputs.map(({ path }) => path).join(", ") },
    );
  }
  if (heldOut) return { heldOut };
  warn(
    "no validation event is next to another event of its session: there is no validation loss and no early " +
      "stopping",
  );
  return undefined;
}

export function validMetrics(best: EpochEvent): Metrics {
  const ranking = Object.entries(best).filter(([name]) => /^(recall|ndcg)At/.test(name));
  return { pairLoss: best.validLoss!, ...Object.fromEntries(ranking as [string, number][]) };
}

/** Maximum number of queries; if there are more, every n-th is used. */
const MOST_QUERIES = 4096;

/**
 * Evaluates whether the item that follows another in a session is among the k items nearest to it by cosine. Vectors
 * are f32[numFeatures * dim].
 */
interface NextItems {
  of(vectors: Float32Array, signal: AbortSignal): Promise<Record<string, number>>;
  /** recallAtK of each query, also by popularity. @param totals f64[numFeatures]: popularity */
  beside(
    vectors: Float32Array,
    totals: Float64Array,
    signal: AbortSignal,
  ): Promise<{ model: UserMetric; alone: UserMetric } | undefined>;
}

/**
 * Prepares the evaluation. A query is the last item before a held-out item in its session, which may belong to any
 * split; the query item itself is never retrieved.
 *
 * @param first,end range of the items' features
 * @param totals     f64[numFeatures]: weight of events; an item without events is never retrieved
 * @returns undefined if no item follows another
 */
export function nextItems(
  { offsets, tokens, numSessions, isHeldOut }: HeldOutSequences,
  [first, end]: readonly [first: number, end: number],
  totals: Float64Array,
  { dim, k, threads }: Pick<Item2vecOptions, "dim" | "k" | "threads">,
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
  const masks = singleItemLists(asked.map(([before]) => before - first));
  const heldOut = singleItemLists(asked.map(([, next]) => (totals[next]! > 0 ? next - first : NO_ITEM)));
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
    of: async (vectors, signal) => Object.fromEntries((await byQuery(vectors, signal)).map(namedMean)),
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

function singleItemLists(items: readonly number[]): ItemLists {
  return {
    indptr: ascending(items.length + 1),
    items: Uint32Array.from(items),
  };
}
