// The model that runs of `train-ranking` hold.

import { factorCapabilities } from "../../factors/capabilities.js";
import type { Models } from "../../training/capabilities/model.js";

/** The table of vectors before the layers, from which a warm start continues. */
export const BASE_TABLE = "layer0";

export const models: Models = {
  fm: {
    holds: "a factorization machine for ranking",
    command: "train-ranking",
    ...factorCapabilities,
    rotation: async (run, table) => ({
      ...(await factorCapabilities.rotation(run, table)),
      tables: run.tables.filter((name) => name === BASE_TABLE).map((name) => ({ name, offset: 0 })),
    }),
    transform: async (...of) => await (await import("./transform.js")).encodeItems(...of),
    foldIn: async (...of) => await (await import("./fold-in.js")).foldInByPairs(...of),
  },
};
