// Options of a training that ranks items: how its lists are judged.

import { choice, whole } from "./table.js";

/** How lists of items are judged. */
export const lists = {
  k: whole({
    min: 1,
    max: 1000,
    help: "length of the recommendation lists, for recall and ndcg",
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
