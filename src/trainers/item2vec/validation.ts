// What epochs are evaluated on: the validation part's events in their sessions, and with --metric recall the items that follow others.

import type { Dataset } from "../../dataset/dataset.js";
import type { FeatureSpace } from "../../dataset/vocabulary/vocabulary.js";
import type { Metrics } from "../../embedding/manifest.js";
import { DataError, UsageError } from "../../errors.js";
import type { EpochEvent } from "../../training/epochs/epoch-loop.js";
import type { Parts } from "../../training/examples/examples.js";
import type { Item2vecOptions, GivenItem2vec } from "./options.js";
import type { HeldOutSequences } from "../../skip-grams/sessions.js";
import { ascending } from "../../numeric/indices.js";
import { namedMean, rankedByUser } from "../../evaluation/ranking.js";
import type { UserMetric } from "../../evaluation/user-metric.js";
import { NO_ITEM, type ItemLists } from "../../kernels/top-items/binding.js";
import { unitRows } from "../../retrieval/nearest.js";

export interface Validation {
  heldOut: HeldOutSequences;
  /** recallAtK and ndcgAtK of the next item, where early stopping goes by them */
  nextItems?: NextItems;
}

interface Found {
  space: FeatureSpace;
  heldOut: HeldOutSequences | undefined;
  totals: Float64Array;
  dataset: Dataset;
  parts: Pick<Parts, "valid">;
}

/**
 * The validation of a training; undefined without one.
 *
 * @throws {UsageError} --metric recall without a validation part, or without items @throws {DataError} no item follows another
 */
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

/** The metrics of a validation part, from the best epoch. */
export function validMetrics(best: EpochEvent): Metrics {
  const ranking = Object.entries(best).filter(([name]) => /^(recall|ndcg)At/.test(name));
  return { pairLoss: best.validLoss!, ...Object.fromEntries(ranking as [string, number][]) };
}

/** Queries at most; of more every so many-th is. */
const MOST_QUERIES = 4096;

interface NextItemsOptions {
  dim: number;
  k: number;
  threads: number;
}

/** Whether the item that follows another in a session is among the k nearest of it, by the cosine; of f32[numFeatures * dim]. */
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
  { offsets, tokens, numSessions, isHeldOut }: HeldOutSequences,
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

/** A list of one item for each. */
function listsOf(items: readonly number[]): ItemLists {
  return {
    indptr: ascending(items.length + 1),
    items: Uint32Array.from(items),
  };
}
