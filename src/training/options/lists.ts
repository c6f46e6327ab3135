// Options of a training that ranks items: how its lists are evaluated.

import { choice, whole } from "./table.js";

/** The metric that lists are evaluated by, as metrics name it: `ndcgAt20`. */
export function listMetric({ metric, k }: { metric: string; k: number }): `${string}At${number}` {
  return `${metric}At${k}`;
}

/** How lists of items are evaluated. */
export const lists = {
  k: whole({
    min: 1,
    max: 1000,
    help: "cutoff K for recall and ndcg",
    group: "Training:",
    default: 20,
  }),
  metric: choice(["recall", "ndcg"], {
    placeholder: "metric",
    help: "metric for early stopping",
    group: "From week to week:",
    default: "ndcg",
  }),
} as const;
