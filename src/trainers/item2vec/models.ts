// The model that runs of `train-item2vec` hold: a table of items and one of their contexts.

import type { Models } from "../../training/capabilities/model.js";
import { readPreprocess } from "../../training/capabilities/run-space.js";
import { CONTEXT_TABLE, OPTIMIZER_FILE } from "../../skip-grams/names.js";
import { ITEM2VEC_MODEL } from "./names.js";

export const models: Models = {
  [ITEM2VEC_MODEL]: {
    holds: "item vectors of sessions (train-item2vec)",
    preprocess: readPreprocess,
    contexts: CONTEXT_TABLE,
    forgetting: async (run) => {
      const { byFeature, forgettingOf } =
        await import("../../training/capabilities/forgetting/forgetting.js");
      return await forgettingOf(run, { tensors: { [OPTIMIZER_FILE]: byFeature(() => true) } });
    },
    vectors: async (run) =>
      await (await import("../../training/capabilities/key-vectors.js")).vectorsOfFeatures(run),
    rotation: async (_, table) =>
      (await import("../../skip-grams/rotation.js")).rotationOf(table, { contexts: true }),
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
