// The kind of model in runs of `concat`: tables of several runs side by side, whose inner product is the weighted sum of
// their scores.

import { zerosForUnknown } from "../../../export/reserve.js";
import { type Models, ranksByVectors } from "../../../training/capabilities/model.js";
import { wholeRows } from "../../../training/capabilities/rotation.js";

export const models: Models = {
  concat: {
    holds: "tables side by side",
    command: "concat",
    ...ranksByVectors(async (_, space, table) => (await import("./trained.js")).tableScorer(space, table)),
    ...{ mips: "rows", scoresBy: "vectors" },
    rotation: (_, table) => ({ groups: wholeRows(table), files: async () => await Promise.resolve({}) }),
    forgetting: async (run) =>
      await (await import("../../../training/capabilities/forgetting/forgetting.js")).forgettingOf(run, {}),
    vectors: async (run) =>
      await (await import("../../../training/capabilities/key-vectors.js")).vectorsOfFeatures(run),
    unknownKeys: async (_, { table }) => await Promise.resolve(zerosForUnknown(table)),
    lacks: { foldIn: "fold in by each of its runs", transform: "its rows are users and items" },
  },
};
