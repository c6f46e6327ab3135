// Compares contenders: their metrics, the confidence intervals of these, and the best contender by each metric.
//
// Intervals are computed by resampling users (bootstrap), or from repeated measurements by Student's t. Differences of
// contenders refer to the same users, or to the same repeats.

import type { Metrics } from "../table/manifest.js";
import {
  bootstrap,
  intervalOf,
  meanInterval,
  type Interval,
  valueOf,
  type UserMetric,
} from "./user-metric.js";
import { goodness } from "./metrics.js";

/** Measurements of a contender: a run or a baseline that is compared with others. */
export interface Measured {
  name: string;
  kind: "run" | "baseline";
  /** metrics, each with the contribution of every user; all contenders have the same users */
  byUser: UserMetric[];
  /** results of repeated measurements, by metric, whose mean is the metric; all contenders have the same repeats */
  repeats?: Readonly<Record<string, readonly number[]>>;
  /** values of other metrics, which have no interval */
  others: Metrics;
}

export interface Compared {
  name: string;
  kind: "run" | "baseline";
  metrics: Metrics;
  /** 95 % confidence intervals by metric */
  intervals: Record<string, Interval>;
  /**
   * differences from the best contender by metric, with intervals: this contender's value minus the best value. Absent
   * for metrics in which this contender is best.
   */
  toBest: Record<string, Interval & { difference: number }>;
  /** differences from the first contender by metric, with intervals: this contender's value minus the first's */
  toFirst: Record<string, Interval & { difference: number }>;
  /** names of the metrics in which no other contender is better; empty if there is only one contender */
  bestIn: string[];
}

/** Compares contenders on the same samples of users. @param samples number of bootstrap samples; 0 to omit intervals */
export function compare(
  contenders: readonly Measured[],
  numUsers: number,
  { samples, seed }: { samples: number; seed: number },
): Compared[] {
  const drawn =
    samples > 0 && numUsers > 1
      ? bootstrap(
          contenders.map(({ byUser }) => byUser),
          numUsers,
          { samples, seed },
        )
      : undefined;
  const metrics = contenders.map(({ byUser, repeats = {}, others }): Metrics => ({
    ...Object.fromEntries(byUser.map((metric) => [metric.name, valueOf(metric)])),
    ...Object.fromEntries(Object.entries(repeats).map(([name, values]) => [name, meanInterval(values).mean])),
    ...others,
  }));
  const best = bestOf(metrics);
  const seriesOf = (c: number, name: string): Series | undefined => {
    const { byUser, repeats } = contenders[c]!;
    const repeated = repeats?.[name];
    if (repeated) return { values: repeated, intervalOf: intervalOfRepeats };
    const values = drawn?.[c]![byUser.findIndex((metric) => metric.name === name)];
    return values && { values, intervalOf: (some) => intervalOf(Float64Array.from(some)) };
  };
  return contenders.map(({ name, kind }, c) => {
    const intervals: Compared["intervals"] = {};
    const toBest: Compared["toBest"] = {};
    const toFirst: Compared["toFirst"] = {};
    const differenceTo = (other: number, metric: string) => {
      const [own, others] = [seriesOf(c, metric), seriesOf(other, metric)];
      const interval = own && others && own.intervalOf(differences(own.values, others.values));
      return interval && { difference: metrics[c]![metric]! - metrics[other]![metric]!, ...interval };
    };
    for (const metric of Object.keys(metrics[c]!)) {
      const own = seriesOf(c, metric);
      const interval = own?.intervalOf([...own.values]);
      if (!interval) continue;
      intervals[metric] = interval;
      const b = best[metric]?.[0];
      const isBest = b === undefined || best[metric]!.includes(c);
      const [fromBest, fromFirst] = [
        isBest ? undefined : differenceTo(b, metric),
        c === 0 ? undefined : differenceTo(0, metric),
      ];
      if (fromBest) toBest[metric] = fromBest;
      if (fromFirst) toFirst[metric] = fromFirst;
    }
    const bestIn =
      contenders.length > 1 ? Object.keys(best).filter((metric) => best[metric]!.includes(c)) : [];
    return { name, kind, metrics: metrics[c]!, intervals, toBest, toFirst, bestIn };
  });
}

/** Values of a metric for each sample of users, or each repeat. All contenders have the same samples and repeats. */
interface Series {
  values: Iterable<number>;
  intervalOf: (values: readonly number[]) => Interval | undefined;
}

function intervalOfRepeats(values: readonly number[]): Interval | undefined {
  const { low, high } = meanInterval(values);
  return low === undefined || high === undefined ? undefined : { low, high };
}

function differences(own: Iterable<number>, other: Iterable<number>): number[] {
  const others = [...other];
  return Array.from(own, (value, s) => value - others[s]!);
}

function bestOf(metrics: readonly Metrics[]): Record<string, number[]> {
  const best: Record<string, number[]> = {};
  for (const name of new Set(metrics.flatMap((one) => Object.keys(one)))) {
    const values = metrics.map((one) => (one[name] === undefined ? undefined : goodness(name, one[name])));
    const most = values.reduce<number>(
      (high, value) => (value === undefined ? high : Math.max(high, value)),
      -Infinity,
    );
    if (most > -Infinity) best[name] = [...values.keys()].filter((c) => values[c] === most);
  }
  return best;
}
