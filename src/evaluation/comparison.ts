// Contenders side by side: the metrics of each, how sure they are, and which is best.
//
// An interval is over users, who are drawn again, or over repeats of a measurement, by Student's t. Differences are of the same users,
// or of the same repeats.

import type { Metrics } from "../embedding/manifest.js";
import { bootstrap, intervalOf, meanInterval, type Interval } from "./intervals.js";
import { valueOf, type UserMetric } from "./user-metric.js";
import { goodness } from "./metrics.js";

/** What was measured of a contender. */
export interface Measured {
  name: string;
  kind: "run" | "baseline";
  /** metrics that users add up to, of the same users for all contenders */
  byUser: UserMetric[];
  /** by metric, what several repeats measured, each the same for all contenders: the metric is their mean */
  repeats?: Readonly<Record<string, readonly number[]>>;
  /** other metrics, which have no interval */
  others: Metrics;
}

export interface Compared {
  name: string;
  kind: "run" | "baseline";
  metrics: Metrics;
  /** by metric: 95 % of the samples of users lie between; of repeats the interval of the mean */
  intervals: Record<string, Interval>;
  /** by metric, of contenders that are not the best: what it has less than the best, negative when it is more of an error */
  toBest: Record<string, Interval & { difference: number }>;
  /** by metric, of all but the first contender: what it has more than the first */
  toFirst: Record<string, Interval & { difference: number }>;
  /** names of the metrics in which no contender is better; empty for a contender alone */
  bestIn: string[];
}

/**
 * Compares contenders, all on the same samples of users.
 *
 * @param samples how often users are drawn again; 0 for no intervals
 */
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

/** A metric of samples of users or of repeats, the same for all contenders. */
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

/** By metric: the contenders of the best value, the first of them first. */
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
