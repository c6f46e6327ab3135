import { factorCapabilities } from "../shared/factor-model/capabilities.js";
import type { Models } from "../../training/capabilities/model.js";

/** Name of the table of vectors before the propagation layers; a warm start continues from this table. */
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
