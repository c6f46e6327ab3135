import { factorCapabilities } from "../shared/factor-model/capabilities.js";
import type { Models } from "../../training/capabilities/model.js";

export const models: Models = {
  fm: {
    holds: "factors of implicit feedback",
    command: "train-als",
    ...factorCapabilities,
    foldIn: async (...of) => await (await import("./fold-in.js")).foldInByLeastSquares(...of),
  },
};
