// Draws from the Pólya-Gamma distribution PG(1, z). Conditional on such a draw, a logistic likelihood is normal in its
// score. ../../compute/kernels/shared/assembly/polya-gamma.ts computes the same bits.
//
//   exp(s y) / (1 + exp(s)) is proportional to   E exp(-omega (s - (y - 1/2) / omega)^2 / 2)   over omega ~ PG(1, 0),
//   and omega given s is PG(1, s)
//
// Source: Polson, Scott and Windle 2013 (10.1080/01621459.2013.829001), with Devroye's alternating series for J*(1, z /
// 2), cut at 0.64: the proposal is an inverse Gaussian below the cut and an exponential above it, and one proposal in
// 1,000 is rejected.

import { exp, log } from "./exp.js";
import { normalCdf, normalDraw, uniform } from "./normal.js";
import { draw } from "./random.js";

/** Boundary between the sampler's two proposal distributions. */
const CUT = 0.64;
/** Maximum |score|; larger scores have precisions of at most 0.0025, and are replaced by the maximum. */
const FAR = 200;
const { PI } = Math;

/** Returns the mean of the Pólya-Gamma distribution PG(1, s), which is the expected precision of a row with score s. */
export function polyaGammaMean(s: number): number {
  const a = Math.abs(s);
  // for small |s|, the omitted terms of the series are below 1e-12
  if (a < 0.01) return 0.25 - (a * a) / 48;
  const t = exp(-a);
  return (1 - t) / ((1 + t) * 2 * a);
}

/** Returns a draw of the Pólya-Gamma distribution PG(1, s). */
export function polyaGammaDraw(key: number, s: number): number {
  const z = 0.5 * Math.min(Math.abs(s), FAR);
  const rate = (PI * PI) / 8 + 0.5 * z * z;
  const right = (PI / (2 * rate)) * exp(-rate * CUT);
  const left = 2 * exp(-z) * inverseGaussianCdf(z);
  let i = 0;
  while (true) {
    let x = 0;
    if (uniform(key, i++) * (left + right) < right) {
      x = CUT - log(uniform(key, i++)) / rate;
    } else if (z * CUT < 1) {
      // if the inverse Gaussian's mean is beyond the boundary: draws 1 / chi-square below the boundary, and accepts the
      // draw with a probability that makes it inverse Gaussian
      do {
        let e = 0;
        let f = 0;
        do {
          e = -log(uniform(key, i++));
          f = -log(uniform(key, i++));
        } while (e * e * CUT > 2 * f);
        x = 1 + CUT * e;
        x = CUT / (x * x);
      } while (uniform(key, i++) > exp(-0.5 * z * z * x));
    } else {
      const mean = 1 / z;
      do {
        const n = normalDraw(draw(key, i++));
        const y = mean * n * n;
        x = mean + 0.5 * mean * y - 0.5 * mean * Math.sqrt(y * (4 + y));
        if (uniform(key, i++) * (mean + x) > mean) x = (mean * mean) / x;
      } while (x > CUT);
    }
    // the density is an alternating series, so that its partial sums alternate between upper and lower bounds
    let sum = term(0, x);
    const height = uniform(key, i++) * sum;
    let n = 1;
    while (true) {
      sum -= term(n++, x);
      if (height <= sum) return 0.25 * x;
      sum += term(n++, x);
      if (height > sum) break;
    }
  }
}

/** Returns P(X <= CUT) of the inverse Gaussian with mean 1 / z and shape 1. */
function inverseGaussianCdf(z: number): number {
  const root = 1.25; // 1 / sqrt(CUT), as in the distribution function of the inverse Gaussian
  const near = normalCdf(root * (CUT * z - 1));
  // the second term of the distribution function is below 1e-40 for z > 20, and is omitted
  return z > 20 ? near : near + exp(2 * z) * normalCdf(-root * (CUT * z + 1));
}

function term(n: number, x: number): number {
  const c = n + 0.5;
  if (x > CUT) return PI * c * exp(-0.5 * PI * PI * c * c * x);
  const r = 2 / (PI * x);
  return PI * c * r * Math.sqrt(r) * exp((-2 * c * c) / x);
}
