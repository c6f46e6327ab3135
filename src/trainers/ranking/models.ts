// The model that runs of `train-ranking` hold.

import { factorCapabilities } from "../../factors/capabilities.js";
import type { Models } from "../../training/capabilities/model.js";
import { BASE_TABLE } from "./names.js";

export const models: Models = {
  fm: {
    holds: "a factorization machine for ranking (train-ranking)",
    ...factorCapabilities,
    rotation: async (run, table) => ({
      ...(await factorCapabilities.rotation(run, table)),
      tables: run.tables.filter((name) => name === BASE_TABLE).map((name) => ({ name, offset: 0 })),
    }),
    transform: async (...of) => await (await import("./transform.js")).encodeItems(...of),
    foldIn: async (...of) => await (await import("./fold-in.js")).foldInByPairs(...of),
  },
};
