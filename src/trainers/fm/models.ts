// The models that runs of `train-fm` hold.

import { factorCapabilities, storedFactors } from "../../factors/capabilities.js";
import type { Models } from "../../training/model.js";

export const models: Models = {
  fm: { holds: "a factorization machine (train-fm)", ...factorCapabilities },
  lr: {
    holds: "a linear model (train-fm --model lr)",
    lacks: {
      rotation: "its vectors are weights, which no rotation leaves as they are",
      vectors: "it has weights and no vectors",
    },
    ...storedFactors,
    scoresBy: "weights",
    secondOrder: factorCapabilities.secondOrder,
  },
  ffm: {
    holds: "a field-aware factorization machine (train-fm --model ffm)",
    lacks: { vectors: "it has a vector of a key for each other field, and a network takes one" },
    ...storedFactors,
    forgetting: async (run) =>
      await (
        await import("../../factors/forgetting.js")
      ).factorForgetting(run, { withoutKeys: ["ffm.json"] }),
    rotation: async (...of) => (await import("./ffm/rotation.js")).fieldAwareRotation(...of),
    composition: async (run) => await (await import("./ffm/compose-run.js")).crossComposition(run),
    mips: "composed",
    scoresBy: "vectors",
  },
  "fm-draws": {
    holds: "posterior draws (train-fm --method mcmc)",
    lacks: {
      mips: "its predictions are means over many machines",
      scoresBy: "its scores do not come from the vectors of its table, which are means over many machines",
    },
    ...storedFactors,
    forgetting: async (run) => await (await import("./mcmc/forgetting.js")).drawsForgetting(run),
    rotation: async (...of) => (await import("./mcmc/rotation.js")).drawsRotation(...of),
    composition: factorCapabilities.composition,
    secondOrder: factorCapabilities.secondOrder,
    vectors: async (run) => await (await import("./mcmc/vectors.js")).drawsVectors(run),
  },
};
