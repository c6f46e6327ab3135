// The models of runs of `train-fm`.

import {
  factorCapabilities,
  readFactors,
  storedFactors,
  sumCapabilities,
} from "../shared/factor-model/capabilities.js";
import { type Capabilities, type Models, predictsLabels } from "../../training/capabilities/model.js";

const ofLabels: Capabilities = {
  ...predictsLabels(readFactors),
  foldIn: async (...of) => await (await import("./fold-in-labels.js")).foldInByLabels(...of),
};

export const models: Models = {
  fm: {
    holds: "a factorization machine",
    command: "train-fm --model fm",
    ...factorCapabilities,
    ...ofLabels,
  },
  lr: {
    holds: "a linear model",
    command: "train-fm --model lr",
    ...sumCapabilities,
    ...ofLabels,
    scoresBy: "weights",
    lacks: {
      rotation: "its vectors are weights and cannot be rotated",
      vectors: "it has weights but no vectors",
    },
  },
  ffm: {
    holds: "a field-aware factorization machine",
    command: "train-fm --model ffm",
    ...storedFactors,
    ...predictsLabels(async (...of) => await (await import("./ffm/learn.js")).readFfm(...of)),
    rotation: async (...of) => (await import("./ffm/run.js")).fieldAwareRotation(...of),
    transform: async (...of) => await (await import("./ffm/run.js")).encodeCrossed(...of),
    foldIn: async (...of) => await (await import("./ffm/run.js")).foldInCrossed(...of),
    forgetting: async (run) => await (await import("./ffm/run.js")).fieldAwareForgetting(run),
    composition: async (run) => await (await import("./ffm/run.js")).crossComposition(run),
    mips: "composed",
    scoresBy: "vectors",
    lacks: { vectors: "it has one vector per key and field, but a network takes one vector per key" },
  },
  "fm-draws": {
    holds: "posterior draws",
    command: "train-fm --method mcmc",
    ...storedFactors,
    ...predictsLabels(async (run, space) => await (await import("./mcmc/learn.js")).readDraws(run, space)),
    rotation: async (...of) => (await import("./mcmc/run.js")).drawsRotation(...of),
    transform: sumCapabilities.transform,
    foldIn: async (...of) => await (await import("./mcmc/run.js")).foldInDraws(...of),
    forgetting: async (run) => await (await import("./mcmc/run.js")).drawsForgetting(run),
    composition: factorCapabilities.composition,
    secondOrder: sumCapabilities.secondOrder,
    vectors: async (run) => await (await import("./mcmc/run.js")).drawsVectors(run),
    lacks: {
      mips: "its predictions are means over many draws",
      scoresBy: "its scores are means over many draws and do not come from the vectors of its table",
    },
  },
};
