// The mean of few measurements and where it lies: Student's t, since five seeds are too few for a bootstrap.

/** A mean with its 95 % interval; of one measurement there is none. */
export interface MeanInterval {
  mean: number;
  low?: number;
  high?: number;
}

/** The 0.975 quantile of Student's t by degrees of freedom, from 1 on; beyond them that of 30, which is wider. */
const QUANTILES = [
  12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.16, 2.145, 2.131,
  2.12, 2.11, 2.101, 2.093, 2.086, 2.08, 2.074, 2.069, 2.064, 2.06, 2.056, 2.052, 2.048, 2.045, 2.042,
];

/**
 * Mean ± t s / sqrt(n), s by n - 1. Source: Student 1908, "The probable error of a mean".
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
