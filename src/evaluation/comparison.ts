// Contenders side by side: the metrics of each, how sure they are, and which is best.

import type { Metrics } from "../embedding/manifest.js";
import { bootstrap, intervalOf, type Interval } from "./bootstrap.js";
import { goodness, valueOf, type UserMetric } from "./user-metric.js";

/** What was measured of a contender. */
export interface Measured {
  name: string;
  kind: "run" | "baseline";
  /** metrics that users add up to, of the same users for all contenders */
  byUser: UserMetric[];
  /** other metrics, which have no interval */
  others: Metrics;
}

export interface Compared {
  name: string;
  kind: "run" | "baseline";
  metrics: Metrics;
  /** by metric: 95 % of the samples of users lie between */
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
  const metrics = contenders.map(({ byUser, others }): Metrics => ({
    ...Object.fromEntries(byUser.map((metric) => [metric.name, valueOf(metric)])),
    ...others,
  }));
  const best = bestOf(metrics);
  const samplesOf = (c: number, name: string): Float64Array | undefined =>
    drawn?.[c]![contenders[c]!.byUser.findIndex((metric) => metric.name === name)];
  return contenders.map(({ name, kind, byUser }, c) => {
    const intervals: Compared["intervals"] = {};
    const toBest: Compared["toBest"] = {};
    const toFirst: Compared["toFirst"] = {};
    const differenceTo = (other: number, metric: string) => {
      const [own, others] = [samplesOf(c, metric), samplesOf(other, metric)];
      return (
        own &&
        others && {
          difference: metrics[c]![metric]! - metrics[other]![metric]!,
          ...intervalOf(own.map((value, s) => value - others[s]!)),
        }
      );
    };
    for (const metric of byUser) {
      const own = samplesOf(c, metric.name);
      if (!own) continue;
      intervals[metric.name] = intervalOf(own);
      const b = best[metric.name]?.[0];
      const isBest = b === undefined || best[metric.name]!.includes(c);
      const [fromBest, fromFirst] = [
        isBest ? undefined : differenceTo(b, metric.name),
        c === 0 ? undefined : differenceTo(0, metric.name),
      ];
      if (fromBest) toBest[metric.name] = fromBest;
      if (fromFirst) toFirst[metric.name] = fromFirst;
    }
    const bestIn =
      contenders.length > 1 ? Object.keys(best).filter((metric) => best[metric]!.includes(c)) : [];
    return { name, kind, metrics: metrics[c]!, intervals, toBest, toFirst, bestIn };
  });
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
