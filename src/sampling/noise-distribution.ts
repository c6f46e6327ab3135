// What negatives are drawn from.

import { DataError } from "../errors.js";
import { pow } from "../numeric/exp.js";

export type Noise = "uniform" | "popularity";

const EXPONENTS: Record<Noise, number> = { uniform: 0, popularity: 0.75 };

/**
 * Cumulative noise distribution: P(i) proportional to count(i)^exponent, 0 for every item alike.
 *
 * Source: Mikolov et al. 2013 (arXiv:1310.4546), section 2.2; Caselles-Dupré et al. 2018 (arXiv:1804.04212) for exponents
 * from -1 to 1. x^0.75 is taken as sqrt(x) sqrt(sqrt(x)), other powers from numeric/exp: the bits are the same on every
 * engine, which Math.pow's are not.
 *
 * @param counts u32[numItems]: events of each item in the training part; one without events is never drawn
 * @param noise a name, or a finite exponent; below 0 rare items are drawn more often than frequent ones
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
