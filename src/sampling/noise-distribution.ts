// What negatives are drawn from.

import { DataError } from "../errors.js";

export type Noise = "uniform" | "popularity";

/**
 * Cumulative noise distribution: every item alike, or P(i) proportional to count(i)^0.75.
 *
 * Source: Mikolov et al. 2013 (arXiv:1310.4546), section 2.2. x^0.75 is taken as sqrt(x) sqrt(sqrt(x)), whose bits are the
 * same on every engine, which Math.pow's are not.
 *
 * @param counts u32[numItems]: events of each item in the training part; one without events is never drawn
 * @returns f64[numItems], non-decreasing, last entry exactly 1
 * @throws {DataError} every count is zero
 */
export function noiseDistribution(counts: Uint32Array, noise: Noise): Float64Array {
  const cumulative = new Float64Array(counts.length);
  let total = 0;
  for (let i = 0; i < counts.length; i++) {
    const root = Math.sqrt(counts[i]!);
    total += noise === "popularity" ? root * Math.sqrt(root) : Math.min(1, counts[i]!);
    cumulative[i] = total;
  }
  if (total === 0)
    throw new DataError(`no events among ${counts.length} items: nothing to draw negatives from`);
  for (let i = 0; i < counts.length; i++) cumulative[i]! /= total;
  return cumulative;
}

/** The item at u in [0, 1): the first whose cumulative probability is above u. */
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
