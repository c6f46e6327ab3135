// The model that runs of `train-fm --task implicit` hold.

import { factorCapabilities } from "../../factors/capabilities.js";
import type { Models } from "../../training/model.js";

export const models: Models = {
  fm: {
    holds: "factors of implicit feedback (train-fm --task implicit)",
    ...factorCapabilities,
    foldIn: async (...of) => await (await import("./fold-in-run.js")).foldInByLeastSquares(...of),
  },
};
