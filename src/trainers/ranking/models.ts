// The model that runs of `train-ranking` hold.

import { factorCapabilities } from "../../factors/capabilities.js";
import type { Models } from "../../training/model.js";

export const models: Models = {
  fm: {
    holds: "a factorization machine for ranking (train-ranking)",
    ...factorCapabilities,
    foldIn: async (...of) => await (await import("./fold-in.js")).foldInByPairs(...of),
  },
};
