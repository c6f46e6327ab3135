// A metric as what each user adds to it, so that users can be drawn again: the mean over users, or a ratio of their sums.

/** value = f(sum over users of sums / sum over users of weights). */
export interface UserMetric {
  name: string;
  /** f64[numUsers] */
  sums: Float64Array;
  /** f64[numUsers]: 1 each when absent */
  weights?: Float64Array;
  /** f is the square root; otherwise it is nothing */
  root?: true;
}

/** The metric of all users, or of users drawn so many times each. @param times [numUsers]; 1 each when absent */
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
 * The 95 % interval of the difference between two contenders, `a` less `b`, of the same units: normal, by the delta method.
 *
 * @returns undefined with fewer than two units
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

/** f64[numUnits]: what the metric would change, to first order, were a unit drawn once more. */
function influences(metric: UserMetric): Float64Array {
  const { sums, weights, root } = metric;
  const value = valueOf(metric);
  const mean = root ? value ** 2 : value;
  const total = weights ? weights.reduce((sum, weight) => sum + weight, 0) : sums.length;
  const scale = root ? 1 / (2 * value * total) : 1 / total;
  return sums.map((sum, u) => (sum - mean * (weights ? weights[u]! : 1)) * scale);
}
