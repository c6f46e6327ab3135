// A Gaussian process that models the values of the settings tried so far, and the expected improvement of a further
// setting over the best value.
//
//   k(a, b)   (1 + r + r²/3) exp(-r), r = sqrt(5 Σ ((a_d - b_d) / l_d)²): the Matérn kernel of smoothness 5/2
//   l_d       length scale of coordinate d: the distance at which values become dissimilar; large if the option has no
//             effect. Fitted coordinate by coordinate, by the marginal likelihood and a log-normal prior around 1
//   K         matrix of k for all pairs of settings, plus NOISE on the diagonal; L L' = K, α = K⁻¹ y
//
// Values are standardized, and those far below the best are raised to a floor, so that a bad setting does not flatten
// the rest. Sources: Rasmussen and Williams 2006, algorithm 2.1; expected improvement: Jones, Schonlau and Welch 1998
// (doi:10.1023/A:1008306431147).

import { mapTo } from "../../base/numeric/indices.js";
import { exp, log, softplus } from "../../base/numeric/exp.js";
import { solveCholesky } from "../../compute/solvers/cholesky.js";

/** Variance of differences between settings that the options do not explain; all values together have variance 1. */
const NOISE = 0.01;
const LENGTHS = [0.3, 0.6, 1.2, 2.5, 6];
const START = 1.2;
const PASSES = 2;
/** Values are raised to a floor: this number of times as far below the best value as the median is. */
const FLOOR = 3;
/** Margin over the best value that counts as an improvement, in standard deviations of the values. */
const LEAST_GAIN = 0.01;
/** Slope with which a logistic function approximates the normal distribution to 0.01, for a closed form. */
const LOGISTIC_SLOPE = 1.702;

type ExpectedImprovement = (point: readonly number[]) => number;

/** @param points at least one; coordinates of about -1 to 1 @param values greater is better; -Infinity: failed */
export function fitImprovement(
  points: readonly (readonly number[])[],
  values: readonly number[],
): ExpectedImprovement {
  const y = standardized(values);
  const lengths = points[0]!.map(() => START);
  let { posterior, evidence } = fitted(points, y, lengths);
  for (let pass = 0; pass < PASSES; pass++)
    for (const d of lengths.keys())
      for (const length of LENGTHS) {
        const before = lengths[d]!;
        if (length === before) continue;
        lengths[d] = length;
        const other = fitted(points, y, lengths);
        if (other.evidence > evidence) ({ posterior, evidence } = other);
        else lengths[d] = before;
      }
  const target = Math.max(...y) + LEAST_GAIN;
  return (point) => {
    const { mean, deviation } = posterior(point);
    const slope = LOGISTIC_SLOPE / deviation;
    return softplus(slope * (mean - target)) / slope;
  };
}

/** Raises values to the floor and standardizes them. @returns f64[n], mean 0 and variance 1 */
function standardized(values: readonly number[]): Float64Array {
  const finite = values.filter(Number.isFinite).sort((a, b) => b - a);
  const [best = 0] = finite;
  const median = finite[finite.length >> 1] ?? best;
  const floor = best - FLOOR * (best - median);
  const raised = mapTo(Float64Array, values, (value) => Math.max(value, floor));
  const mean = raised.reduce((sum, value) => sum + value, 0) / raised.length;
  const variance = raised.reduce((sum, value) => sum + (value - mean) ** 2, 0) / raised.length;
  const deviation = Math.sqrt(variance) || 1;
  return raised.map((value) => (value - mean) / deviation);
}

interface Fit {
  posterior: (point: readonly number[]) => { mean: number; deviation: number };
  /** logarithm of the marginal likelihood times the prior of the length scales, except for an additive constant */
  evidence: number;
}

function fitted(points: readonly (readonly number[])[], y: Float64Array, given: readonly number[]): Fit {
  const n = points.length;
  const lengths = [...given];
  const factor = new Float64Array(n * n);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < i; j++) factor[i * n + j] = kernel(points[i]!, points[j]!, lengths);
    factor[i * n + i] = 1 + NOISE;
  }
  // `factor` now contains the Cholesky factor L in its lower triangle
  const alpha = solveCholesky(factor, y.slice());
  // this error cannot occur: the noise on its diagonal makes the covariance matrix positive definite
  if (!alpha) throw new RangeError("the covariance of the settings is not positive definite");
  let evidence = 0;
  for (let i = 0; i < n; i++) evidence -= (y[i]! * alpha[i]!) / 2 + log(factor[i * n + i]!);
  for (const length of lengths) evidence -= log(length) ** 2 / 2;
  const posterior = (point: readonly number[]) => {
    const solved = new Float64Array(n);
    let [mean, variance] = [0, 1];
    for (let i = 0; i < n; i++) {
      const k = kernel(point, points[i]!, lengths);
      mean += k * alpha[i]!;
      let sum = k;
      for (let j = 0; j < i; j++) sum -= factor[i * n + j]! * solved[j]!;
      solved[i] = sum / factor[i * n + i]!;
      variance -= solved[i]! ** 2;
    }
    return { mean, deviation: Math.sqrt(Math.max(variance, 1e-9)) };
  };
  return { posterior, evidence };
}

function kernel(a: readonly number[], b: readonly number[], lengths: readonly number[]): number {
  let squares = 0;
  for (let d = 0; d < a.length; d++) squares += ((a[d]! - b[d]!) / lengths[d]!) ** 2;
  const r = Math.sqrt(5 * squares);
  return (1 + r + (r * r) / 3) * exp(-r);
}
