// Whether two models differ, by test rows drawn again: the same rows for both.

import { integerBelow, mulberry32 } from "../testing/random.js";

const RESAMPLES = 2000;

/** The root of the mean. */
export function rootOfMean(squares: readonly number[]): number {
  return Math.sqrt(squares.reduce((sum, each) => sum + each, 0) / squares.length);
}

/** The middle 95 % of the difference of two RMSEs. @param one squared errors by row */
export function interval(one: readonly number[], other: readonly number[]): [low: number, high: number] {
  const random = mulberry32(7);
  const differences = Array.from({ length: RESAMPLES }, () => {
    let [a, b] = [0, 0];
    for (let i = 0; i < one.length; i++) {
      const r = integerBelow(one.length, random);
      a += one[r]!;
      b += other[r]!;
    }
    return Math.sqrt(a / one.length) - Math.sqrt(b / one.length);
  }).sort((x, y) => x - y);
  return [differences[Math.floor(0.025 * RESAMPLES)]!, differences[Math.floor(0.975 * RESAMPLES)]!];
}
