// The models that runs of `train-fm` hold.

import { factorCapabilities, readFactors, sumCapabilities } from "../../factors/capabilities.js";
import type { Capabilities, Models } from "../../training/model.js";
import { predictsLabels } from "../../training/scoring-models.js";

const ofLabels: Capabilities = {
  ...predictsLabels(readFactors),
  foldIn: async (...of) => await (await import("./fold-in-labels.js")).foldInByLabels(...of),
};

export const models: Models = {
  fm: { holds: "a factorization machine (train-fm --model fm)", ...factorCapabilities, ...ofLabels },
  lr: {
    holds: "a linear model (train-fm --model lr)",
    ...sumCapabilities,
    ...ofLabels,
    lacks: { rotation: "its vectors are weights, which no rotation leaves as they are" },
  },
  ffm: {
    holds: "a field-aware factorization machine (train-fm --model ffm)",
    ...predictsLabels(async (...of) => await (await import("./ffm/learn.js")).readFfm(...of)),
    rotation: async (...of) => (await import("./ffm/rotation.js")).fieldAwareRotation(...of),
    transform: async (...of) => await (await import("./ffm/transform.js")).encodeCrossed(...of),
    foldIn: async (...of) => await (await import("./ffm/transform.js")).foldInCrossed(...of),
  },
  "fm-draws": {
    holds: "posterior draws (train-fm --method mcmc)",
    ...predictsLabels(async (run, space) => await (await import("./mcmc/learn.js")).readDraws(run, space)),
    rotation: async (...of) => (await import("./mcmc/rotation.js")).drawsRotation(...of),
    transform: sumCapabilities.transform!,
    foldIn: async (...of) => await (await import("./mcmc/fold-in.js")).foldInDraws(...of),
  },
};
