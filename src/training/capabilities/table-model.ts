// Capabilities of a run that contains only a table, as written by `import`.

import { TABLE_MODEL } from "../../table/manifest.js";
import { meansForUnknown } from "../../export/reserve.js";
import type { Models } from "./model.js";
import { wholeRows } from "./rotation.js";

export const models: Models = {
  [TABLE_MODEL]: {
    holds: "a table",
    command: "import",
    rotation: (_, table) => ({ groups: wholeRows(table), files: async () => await Promise.resolve({}) }),
    forgetting: async (run) => await (await import("./forgetting/forgetting.js")).forgettingOf(run, {}),
    vectors: async (run) => await (await import("./key-vectors.js")).vectorsOfTable(run),
    unknownKeys: async (_, { table }) => await Promise.resolve(meansForUnknown(table)),
  },
};
