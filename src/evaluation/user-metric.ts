// Metrics as contributions of users, so that users can be resampled: a mean over users, or a ratio of sums over users.

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

/**
 * Returns the metric over all users, or over a sample.
 *
 * @param times [numUsers]: number of times that the sample contains each user; 1 when absent
 */
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
