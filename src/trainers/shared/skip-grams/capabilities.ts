// Capabilities of all runs with a table of skip-gram vectors: what commands can do with them, such as removing a key.

import type { EmbeddingTable } from "../../../table/table.js";
import { meansForUnknown } from "../../../export/reserve.js";
import type { Capabilities } from "../../../training/capabilities/model.js";
import { wholeRows, type Rotation } from "../../../training/capabilities/rotation.js";
import { readPreprocess } from "../../../training/capabilities/run-space.js";

/** Name of the file in model/ that --keep-state adds. */
export const OPTIMIZER_FILE = "optimizer.safetensors";
/** Name of the table of context vectors, which a run has in addition to the default table. */
export const CONTEXT_TABLE = "context";

/** Capabilities of runs with a table of skip-gram vectors for which the table of contexts is not needed. */
export const vectorCapabilities = {
  preprocess: readPreprocess,
  rotation: (_, table) => rotationOf(table, []),
  forgetting: async (run) => {
    const { byFeature, forgettingOf } =
      await import("../../../training/capabilities/forgetting/forgetting.js");
    return await forgettingOf(run, { tensors: { [OPTIMIZER_FILE]: byFeature(() => true) } });
  },
  vectors: async (run) =>
    await (await import("../../../training/capabilities/key-vectors.js")).vectorsOfFeatures(run),
  // zero vectors have no cosine; skip-gram vectors are not centered
  unknownKeys: async (_, { table }) => await Promise.resolve(meansForUnknown(table)),
} satisfies Capabilities;

/** Vectors and contexts share a rotation Q, because h Q · z Q = h · z. */
export const sgnsCapabilities = {
  ...vectorCapabilities,
  contexts: CONTEXT_TABLE,
  rotation: (_, table) => rotationOf(table, [CONTEXT_TABLE]),
} satisfies Capabilities;

/** Returns the rotation of the default table, and of the tables that share it. */
export function rotationOf(table: EmbeddingTable, others: readonly string[]): Rotation {
  return {
    groups: wholeRows(table),
    tables: others.map((name) => ({ name, offset: 0 })),
    files: async () => await Promise.resolve({}),
  };
}
