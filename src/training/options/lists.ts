// Options for the evaluation of ranked lists, for trainers that rank items.

import { rankingMetricNames } from "../../evaluation/metrics.js";
import { choice, text, whole } from "./table.js";

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
