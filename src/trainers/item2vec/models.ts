// The kind of model in runs of `train-item2vec`: a table of item vectors and one of their context vectors.

import type { Models } from "../../training/capabilities/model.js";
import { sgnsCapabilities } from "../shared/skip-grams/capabilities.js";

export const ITEM2VEC_MODEL = "item2vec";

export const models: Models = {
  [ITEM2VEC_MODEL]: {
    holds: "item vectors of sessions",
    command: "train-item2vec",
    ...sgnsCapabilities,
    foldIn: async (...of) => await (await import("./fold-in.js")).foldInSessions(...of),
    foldedRank: "cosine",
    transformFlags: ["--half-life"],
    lacks: {
      transform:
        "its rows are items: use export to write them, evaluate --score cosine to rank by them, or --fold-in " +
        "LOG with events of users or new items",
    },
  },
};
