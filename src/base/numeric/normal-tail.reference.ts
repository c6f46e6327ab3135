// Draws of a tail of the normal distribution, which only kernels draw: the definition of correct for
// ../../compute/kernels/shared/assembly/normal.ts.

import { exp, log } from "./exp.js";
import { FAR, normalCdf, normalDraw, uniform } from "./normal.js";
import { draw } from "./random.js";

/**
 * Returns a draw of a standard normal X given X > left.
 *
 * Source: Robert 1995 (10.1007/BF00143942): plain rejection below 0, a shifted exponential above.
 */
export function tailDraw(key: number, left: number): number {
  if (left <= 0) {
    let i = 0;
    while (true) {
      const x = normalDraw(draw(key, i++));
      if (x > left) return x;
    }
  }
  const rate = 0.5 * (left + Math.sqrt(left * left + 4));
  let i = 0;
  while (true) {
    const x = left - log(uniform(key, i)) / rate;
    const d = x - rate;
    if (uniform(key, i + 1) < exp(-0.5 * d * d)) return x;
    i += 2;
  }
}

/** Returns the mean of a standard normal X given X > left, the inverse Mills ratio; left is clamped to [-37, 37]. */
export function tailMean(left: number): number {
  const a = Math.min(Math.max(left, -FAR), FAR);
  return normalDensity(a) / normalCdf(-a);
}

/** Returns the density of N(0, 1) at x. */
function normalDensity(x: number): number {
  return 0.3989422804014327 * exp(-0.5 * x * x);
}
