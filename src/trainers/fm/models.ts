// The models that runs of `train-fm` hold.

import { factorCapabilities } from "../../factors/capabilities.js";
import type { Models } from "../../training/model.js";

export const models: Models = {
  fm: { holds: "a factorization machine (train-fm)", ...factorCapabilities },
  lr: {
    holds: "a linear model (train-fm --model lr)",
    lacks: { rotation: "its vectors are weights, which no rotation leaves as they are" },
    forgetting: async (run) => await (await import("../../factors/forgetting.js")).factorForgetting(run),
  },
  ffm: {
    holds: "a field-aware factorization machine (train-fm --model ffm)",
    rotation: async (...of) => (await import("./ffm/rotation.js")).fieldAwareRotation(...of),
    forgetting: async (run) =>
      await (
        await import("../../factors/forgetting.js")
      ).factorForgetting(run, { withoutKeys: ["ffm.json"] }),
  },
  "fm-draws": {
    holds: "posterior draws (train-fm --method mcmc)",
    rotation: async (...of) => (await import("./mcmc/rotation.js")).drawsRotation(...of),
    forgetting: async (run) => await (await import("./mcmc/forgetting.js")).drawsForgetting(run),
  },
};
