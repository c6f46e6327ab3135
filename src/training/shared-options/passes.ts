// Options of trainers that iterate over examples in epochs, and of those that rank items. A trainer overrides properties
// by a spread: `{ ...passes.seed, help }`.

import { flag, number, whole, choice, text } from "../../options/table.js";
import { rankingMetricNames } from "../../metrics/metrics.js";

const group = "Training:";

export const passes = {
  shuffle: flag({
    help: "train on the examples in the log's order",
    group,
    negated: true,
    default: true,
  }),
  seed: whole({
    min: 0,
    max: 0xffffffff,
    help: "random seed for initial vectors, shuffling and sampling",
    group,
    default: 1,
  }),
  patience: whole({
    min: 0,
    max: 1_000_000_000,
    help: "early stopping: number of validations without improvement before training stops; 0 disables it",
    group,
    default: 2,
  }),
  minDelta: number({
    min: 0,
    max: Number.MAX_VALUE,
    help: "smallest improvement of the stopping metric that resets --patience",
    group,
    default: 0,
  }),
} as const;

/** Names of ranking metrics in options: `hit-rate` for `hitRate`. */
const listMetrics = rankingMetricNames.map((name) =>
  name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`),
);

/** Returns the name of a ranking metric in `metrics`, without K: `hitRate`. */
export function measuredBy(metric: string): string {
  return rankingMetricNames[listMetrics.indexOf(metric)] ?? metric;
}

/** Returns the name of a ranking metric in `metrics`, with K: `ndcgAt20`. */
export function listMetric({ metric, k }: { metric: string; k: number }): `${string}At${number}` {
  return `${measuredBy(metric)}At${k}`;
}

/** Options of the evaluation of ranked lists. */
export const lists = {
  k: whole({
    min: 1,
    max: 1000,
    help: "cutoff K of the ranking metrics",
    group: "Training:",
    default: 20,
  }),
  candidates: text("file", {
    help:
      "rank the held-out items of the validation split only among the items that this file lists for each user, as " +
      "evaluate --candidates does",
    group: "From week to week:",
  }),
  metric: choice(listMetrics, {
    placeholder: "metric",
    help: "metric at K for early stopping and --search",
    group: "From week to week:",
    default: "ndcg",
  }),
} as const;
