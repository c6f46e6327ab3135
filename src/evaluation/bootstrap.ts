// How sure a metric is: users are drawn again with replacement, and the metric is taken of each such sample.
//
// Source: Efron 1979 (doi:10.1214/aos/1176344552), percentile intervals. All contenders are evaluated on the same samples, so
// that the difference of two of them is a difference on the same users.

import { draw } from "../numeric/random.js";
import { valueOf, type UserMetric } from "./user-metric.js";

/** Bounds that hold 95 % of the samples; low and high are the same metric's unit. */
export interface Interval {
  low: number;
  high: number;
}

/**
 * The metrics of samples of users.
 *
 * @param contenders the metrics of each, all of the same users
 * @returns by contender and metric: f64[samples]; sample s draws the same users for all
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

/** The 2.5th and the 97.5th percentile, between the samples beside them. */
export function intervalOf(samples: Float64Array): Interval {
  const sorted = samples.slice().sort();
  const at = (share: number): number => {
    const place = share * (sorted.length - 1);
    const [below, above] = [sorted[Math.floor(place)]!, sorted[Math.ceil(place)]!];
    return below + (above - below) * (place - Math.floor(place));
  };
  return { low: at(0.025), high: at(0.975) };
}
