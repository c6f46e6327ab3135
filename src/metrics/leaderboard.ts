// Orders contenders from best to worst, and states in a sentence which contender is best and how certain this is.

import type { Metrics, VectorsAdd } from "../table/manifest.js";
import type { Interval } from "./user-metric.js";
import type { Compared } from "./comparison.js";
import { goodness, titleOf } from "./metrics.js";
import { addsNothing, ofKeys } from "./vectors-add.js";

/** Properties of a contender that are not metrics. */
export interface Entrant {
  /** true for a simple model or rule that an embedding should beat */
  isBaseline: boolean;
  /** directory of the run, command that trained it, and duration of the training in seconds; absent without a run */
  run?: string;
  command?: string;
  seconds?: number;
  /** command line that trains the run's model on all rows of the log; absent without a run */
  commandForAllRows?: string;
  /** gain of the run's vectors on the validation split of its training */
  vectorsAdd?: VectorsAdd;
  /** set if the time budget ended the training, so that the run contains the best epoch up to then */
  cut?: true;
}

export interface LeaderboardLine extends Entrant {
  name: string;
  metrics: Metrics;
  intervals: Record<string, Interval>;
  /** difference from the best contender by the first metric; absent for the best one, and without intervals */
  toBest?: Interval & { difference: number };
  /** whether the interval of the difference from the best contender contains 0 */
  isClose: boolean;
}

/** A contender that was not trained, with the reason. */
export interface Untrained {
  name: string;
  why: string;
}

export interface Leaderboard {
  /** names of the metrics: the first one determines the order, the others are further columns */
  metrics: readonly [string, ...string[]];
  /** phrase for the evaluated rows: `1,200 rows of the test split` */
  on: string;
  /** contenders with their metrics, the best first */
  lines: LeaderboardLine[];
  untrained: readonly Untrained[];
  /** sentence on the runs whose vectors improve on their control; absent if no run has such a comparison */
  vectors?: string;
  /**
   * sentence that names the best contender and states whether it is significantly better than the next one and the
   * baselines
   */
  conclusion: string;
}

/** Contenders without the metric are last. @param entrants by name; contenders without an entry are baselines */
export function leaderboardOf(
  compared: readonly Compared[],
  entrants: ReadonlyMap<string, Entrant>,
  {
    metrics,
    vectorAdvice,
    ...rest
  }: Pick<Leaderboard, "metrics" | "on" | "untrained"> & {
    /** advice on trainers whose vectors carry more information; absent if there is none */
    vectorAdvice?: string | undefined;
  },
): Leaderboard {
  const [metric] = metrics;
  const valueOf = (own: Metrics) => (own[metric] === undefined ? -Infinity : goodness(metric, own[metric])!);
  const ordered = [...compared].sort((a, b) => valueOf(b.metrics) - valueOf(a.metrics));
  const lines = ordered.map(({ name, metrics: own, intervals, toBest }): LeaderboardLine => {
    const difference = toBest[metric];
    return {
      name,
      ...(entrants.get(name) ?? { isBaseline: true }),
      metrics: own,
      intervals,
      toBest: difference,
      isClose: difference !== undefined && difference.low <= 0 && difference.high >= 0,
    };
  });
  const vectors = vectorsText(lines);
  return {
    ...{ metrics, ...rest, lines },
    ...(vectors !== "" && { vectors: vectors + (vectorAdvice ? ` ${vectorAdvice}` : "") }),
    conclusion: conclusionOf(lines, metric),
  };
}

/** Such as `The vectors of A add to popularity on the validation split.` */
function vectorsText(lines: readonly LeaderboardLine[]): string {
  const known = lines.flatMap(({ name, vectorsAdd }) =>
    vectorsAdd && ofKeys(vectorsAdd) ? [{ name, ...vectorsAdd }] : [],
  );
  const namesOf = (some: typeof known) => some.map(({ name }) => name).join(", ");
  const [adding, others] = [known.filter((one) => !addsNothing(one)), known.filter(addsNothing)];
  const controls = [...new Set(adding.map(({ control }) => control))].join(" and ");
  return [
    ...(adding.length > 0
      ? [`The vectors of ${namesOf(adding)} add to ${controls} on the validation split.`]
      : []),
    ...(others.length > 0 ? [`Nothing shows that the vectors of ${namesOf(others)} mean anything.`] : []),
  ].join(" ");
}

/** Returns the text of a cell, such as `0.1234 ±0.0012` with half of the interval's width; empty without the metric. */
export function metricCell({ metrics, intervals }: LeaderboardLine, metric: string): string {
  const value = metrics[metric];
  if (value === undefined) return "";
  const interval = intervals[metric];
  return `${value.toFixed(4)}${interval ? ` ±${((interval.high - interval.low) / 2).toFixed(4)}` : ""}`;
}

/** Returns sentences on contenders that were not trained, grouped by reason. */
export function untrainedTexts(untrained: readonly Untrained[]): string[] {
  const reasons = [...new Set(untrained.map(({ why }) => why))];
  return reasons.map((why) => {
    const names = untrained.filter((one) => one.why === why).map(({ name }) => name);
    return `not trained: ${names.join(", ")}: ${why}`;
  });
}

/** Returns the best entry that is a trained run and not a baseline; undefined if only baselines were trained. */
export function bestEmbedding({ lines }: Pick<Leaderboard, "lines">): LeaderboardLine | undefined {
  return lines.find(({ run, isBaseline }) => run !== undefined && !isBaseline);
}

/** Returns a note on a contender: that it is a baseline, or that the time budget ended its training. */
export function lineNote({ isBaseline, cut }: LeaderboardLine): string {
  return [...(isBaseline ? ["baseline"] : []), ...(cut ? ["ended by the budget"] : [])].join(", ");
}

/**
 * Returns a sentence such as `A has the best Recall@20, 0.12 (0.11 to 0.13): ahead of the next, and of the baselines`,
 * or the parts of it that are true.
 */
function conclusionOf(lines: readonly LeaderboardLine[], metric: string): string {
  const [best] = lines as [LeaderboardLine];
  const interval = best.intervals[metric];
  const shown = (line: LeaderboardLine) => line.metrics[metric]?.toFixed(4) ?? "none";
  const sure = interval
    ? ` (95 % interval ${interval.low.toFixed(4)} to ${interval.high.toFixed(4)})`
    : " (there are no intervals)";
  const others = lines.slice(1);
  const embeddings = others.filter(({ isBaseline }) => !isBaseline);
  const baselines = others.filter(({ isBaseline }) => isBaseline);
  const head = `${best.name} has the best ${titleOf(metric)}, ${shown(best)}${sure}`;
  const [next] = embeddings;
  if (best.isBaseline) {
    if (!next) return `${head}, and it is a baseline: nothing but baselines was measured.`;
    return `${head}, and it is a baseline: the best embedding, ${next.name} with ${shown(next)}, ${next.isClose ? "does not differ significantly from it" : "is behind it"}.`;
  }
  const close = baselines.filter(({ isClose }) => isClose);
  const toNext = next && {
    isAhead: !next.isClose,
    text: `the next, ${next.name} with ${shown(next)}`,
  };
  const toBaselines = baselines.length > 0 && {
    isAhead: close.length === 0,
    text:
      close.length === 0
        ? `every baseline (${namesOf(baselines)})`
        : `the ${close.length === 1 ? "baseline" : "baselines"} ${namesOf(close)}`,
  };
  const found = [toNext, toBaselines].filter((one) => one !== undefined && one !== false);
  if (!interval || found.length === 0) return `${head}.`;
  const ahead = found.filter(({ isAhead }) => isAhead).map(({ text }) => text);
  const level = found.filter(({ isAhead }) => !isAhead).map(({ text }) => text);
  const said = [
    ...(ahead.length > 0 ? [`it is ahead of ${ahead.join(" and of ")}`] : []),
    ...(level.length > 0 ? [`it does not differ significantly from ${level.join(" or from ")}`] : []),
  ];
  return `${head}: ${said.join(", but ")}.`;
}

function namesOf(lines: readonly LeaderboardLine[]): string {
  return lines
    .map(({ name }) => name)
    .join(", ")
    .replace(/, ([^,]+)$/, " and $1");
}
