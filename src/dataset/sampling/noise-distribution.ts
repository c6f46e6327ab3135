import { mapTo } from "../../base/numeric/indices.js";
import { DataError } from "../../base/errors.js";
import { pow, log } from "../../base/numeric/exp.js";
import { aliasTable } from "../../base/numeric/alias.js";

export type Noise = "uniform" | "popularity";

const EXPONENTS: Record<Noise, number> = { uniform: 0, popularity: 0.75 };

/**
 * Returns the cumulative noise distribution: P(i) is proportional to count(i)^exponent; the exponent 0 gives all items
 * the same probability.
 *
 * Source: Mikolov et al. 2013 (arXiv:1310.4546), section 2.2; Caselles-Dupré et al. 2018 (arXiv:1804.04212) for
 * exponents from -1 to 1. x^0.75 is computed as sqrt(x) sqrt(sqrt(x)), other powers by base/numeric/exp, so that all engines
 * compute the same bits, unlike with Math.pow.
 *
 * @param counts u32[numItems]: number of training events of each item; items without events are never drawn
 * @param noise name of a distribution, or a finite exponent; if negative, rare items are drawn more often than frequent
 * ones
 * @returns f64[numItems], non-decreasing, last entry exactly 1
 * @throws {DataError} every count is zero
 */
export function noiseDistribution(counts: Uint32Array, noise: Noise | number): Float64Array {
  const exponent = typeof noise === "number" ? noise : EXPONENTS[noise];
  const cumulative = new Float64Array(counts.length);
  let total = 0;
  for (let i = 0; i < counts.length; i++) {
    if (counts[i]! > 0) total += powerOf(counts[i]!, exponent);
    cumulative[i] = total;
  }
  if (total === 0) throw new DataError(`cannot sample negatives: no events among ${counts.length} items`);
  for (let i = 0; i < counts.length; i++) cumulative[i]! /= total;
  return cumulative;
}

function powerOf(count: number, exponent: number): number {
  if (exponent !== 0.75) return pow(count, exponent);
  const root = Math.sqrt(count);
  return root * Math.sqrt(root);
}

/** Returns the item at u in [0, 1): the first item whose cumulative probability is above u. */
export function itemAt(cumulative: Float64Array, u: number): number {
  let low = 0;
  let high = cumulative.length - 1;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (cumulative[middle]! > u) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** Options for sampling negatives that all examples of a batch share. */
export interface SharedNoiseOptions {
  /** noise distribution; uniform draws need no table */
  noise: Noise;
  negatives: number;
  /** true if the items of the other examples in a batch are negatives, too */
  inBatch: boolean;
  batchSize: number;
  /** whether scores are corrected by the probability of an item as a negative (logQ) */
  logQ: boolean;
}

interface SharedNoise {
  /** u32[numItems][2]: table of the alias method; absent for the uniform distribution */
  alias?: Uint32Array;
  /** f32[numItems]: log of the probability as a negative; absent if all are equal, or without correction */
  logNoise?: Float32Array;
}

/** Computes the arrays for shared negatives. @param counts u32[numItems]: number of events of each item */
export function sharedNoise(counts: Uint32Array, how: SharedNoiseOptions): SharedNoise {
  const drawn = how.noise === "uniform" ? undefined : chancesOf(noiseDistribution(counts, how.noise));
  const chances = how.logQ ? amongNegatives(drawn, counts, how) : undefined;
  return {
    ...(drawn && { alias: aliasTable(drawn) }),
    ...(chances && { logNoise: mapTo(Float32Array, chances, (chance) => log(chance)) }),
  };
}

function chancesOf(cumulative: Float64Array): Float64Array {
  return cumulative.map((end, i) => end - (i === 0 ? 0 : cumulative[i - 1]!));
}

/**
 * Returns the probability that an item is a negative: a mixture of the noise distribution and of the items of a batch.
 * Returns undefined if all are equal, because they cancel in the softmax. Source: Yang et al. 2020
 * (doi:10.1145/3366424.3386195), eq. 4.
 *
 * @param drawn f64[numItems]: probabilities of the draws; undefined for uniform draws
 */
function amongNegatives(
  drawn: Float64Array | undefined,
  counts: Uint32Array,
  { negatives, inBatch, batchSize }: SharedNoiseOptions,
): Float64Array | undefined {
  if (!inBatch) return drawn;
  const events = counts.reduce((sum, count) => sum + count, 0);
  const own = batchSize / (batchSize + negatives);
  return Float64Array.from(
    counts,
    (count, i) => (own * count) / events + (1 - own) * (drawn ? drawn[i]! : 1 / counts.length),
  );
}
