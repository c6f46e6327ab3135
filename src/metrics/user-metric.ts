// Metrics as contributions of users, so that users can be resampled: a mean over users, or a ratio of sums over users.

import { draw } from "../base/numeric/random.js";

/** A metric that is a ratio of sums over users, sums / weights, or the square root of such a ratio. */
export interface UserMetric {
  name: string;
  /** f64[numUsers]: what each user adds to the numerator of the metric */
  sums: Float64Array;
  /** f64[numUsers]: what each user adds to the denominator of the metric; 1 when absent */
  weights?: Float64Array;
  /** set if the metric is the square root of the ratio */
  root?: true;
}

/** @param times [numUsers]: number of times that the sample contains each user; 1 when absent */
export function valueOf({ sums, weights, root }: UserMetric, times?: ArrayLike<number>): number {
  let [sum, total] = [0, 0];
  for (let u = 0; u < sums.length; u++) {
    const n = times ? times[u]! : 1;
    sum += n * sums[u]!;
    total += weights ? n * weights[u]! : n;
  }
  return root ? Math.sqrt(sum / total) : sum / total;
}

/**
 * Returns the 95 % confidence interval of the difference `a` minus `b` of one metric for two models, over the same
 * users: a normal approximation by the delta method.
 *
 * @returns undefined with fewer than two users
 */
export function differenceOf(a: UserMetric, b: UserMetric): { low: number; high: number } | undefined {
  const n = a.sums.length;
  if (n < 2 || b.sums.length !== n) return undefined;
  const [ofA, ofB] = [influences(a), influences(b)];
  let squares = 0;
  for (let u = 0; u < n; u++) squares += (ofA[u]! - ofB[u]!) ** 2;
  const difference = valueOf(a) - valueOf(b);
  const margin = 1.96 * Math.sqrt(squares * (n / (n - 1)));
  return { low: difference - margin, high: difference + margin };
}

/** Returns f64[numUsers]: the derivative of the metric by the weight (1) with which each user counts. */
function influences(metric: UserMetric): Float64Array {
  const { sums, weights, root } = metric;
  const value = valueOf(metric);
  const mean = root ? value ** 2 : value;
  const total = weights ? weights.reduce((sum, weight) => sum + weight, 0) : sums.length;
  const scale = root ? 1 / (2 * value * total) : 1 / total;
  return sums.map((sum, u) => (sum - mean * (weights ? weights[u]! : 1)) * scale);
}

// Confidence intervals of metrics. Users are resampled with replacement, and the metric is computed for each sample
// (bootstrap). For repeated measurements, Student's t is used, because five seeds are too few for a bootstrap.
//
// Source: Efron 1979 (doi:10.1214/aos/1176344552), percentile intervals. All contenders are evaluated on the same
// samples, so that the difference of two of them is a difference on the same users.

/** Bounds that contain 95 % of the samples, in the unit of the metric. */
export interface Interval {
  low: number;
  high: number;
}

/**
 * Computes metrics for bootstrap samples of users.
 *
 * @param contenders metrics of each contender, over the same users
 * @returns f64[samples] for each contender and metric; sample s consists of the same users for all
 */
export function bootstrap(
  contenders: readonly (readonly UserMetric[])[],
  numUsers: number,
  { samples, seed }: { samples: number; seed: number },
): Float64Array[][] {
  const values = contenders.map((metrics) => metrics.map(() => new Float64Array(samples)));
  const times = new Uint16Array(numUsers);
  for (let s = 0; s < samples; s++) {
    times.fill(0);
    const stream = draw(draw(seed, 0x626f6f74), s);
    for (let n = 0; n < numUsers; n++) times[Math.floor((draw(stream, n) / 2 ** 32) * numUsers)]!++;
    contenders.forEach((metrics, c) =>
      metrics.forEach((metric, m) => (values[c]![m]![s] = valueOf(metric, times))),
    );
  }
  return values;
}

/** Returns the 2.5th and the 97.5th percentile, interpolated between neighboring samples. */
export function intervalOf(samples: Float64Array): Interval {
  const sorted = samples.slice().sort();
  const at = (share: number): number => {
    const place = share * (sorted.length - 1);
    const [below, above] = [sorted[Math.floor(place)]!, sorted[Math.ceil(place)]!];
    return below + (above - below) * (place - Math.floor(place));
  };
  return { low: at(0.025), high: at(0.975) };
}

/** A mean with its 95 % interval, which is absent for a single measurement. */
export interface MeanInterval {
  mean: number;
  low?: number;
  high?: number;
}

/**
 * 0.975 quantiles of Student's t by degrees of freedom, from 1 on. Beyond the table, the value for 30 is used, which
 * gives a wider interval.
 */
const QUANTILES = [
  12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.16, 2.145, 2.131,
  2.12, 2.11, 2.101, 2.093, 2.086, 2.08, 2.074, 2.069, 2.064, 2.06, 2.056, 2.052, 2.048, 2.045, 2.042,
];

/**
 * Returns the interval mean ± t s / sqrt(n), where s is the standard deviation with the divisor n - 1. Source: Student
 * 1908, "The probable error of a mean".
 *
 * @param values at least one
 */
export function meanInterval(values: readonly number[]): MeanInterval {
  const n = values.length;
  const mean = values.reduce((sum, x) => sum + x, 0) / n;
  if (n < 2) return { mean };
  const variance = values.reduce((sum, x) => sum + (x - mean) ** 2, 0) / (n - 1);
  const half = QUANTILES[Math.min(n - 1, QUANTILES.length) - 1]! * Math.sqrt(variance / n);
  return { mean, low: mean - half, high: mean + half };
}
