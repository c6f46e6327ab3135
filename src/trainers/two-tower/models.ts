// The kind of model in runs of `train-two-tower`: users are encoded from their histories, items have their own vectors.

import { type Models, ranksByVectors } from "../../training/capabilities/model.js";
import { rowsByFeature } from "../../training/examples/feature-table.js";
import { FORM_FILE, PARAMETERS_FILE, TWO_TOWER_MODEL } from "./names.js";

export const models: Models = {
  [TWO_TOWER_MODEL]: {
    holds: "users by their histories and items",
    command: "train-two-tower",
    lacks: { networks: "it has two towers: use --onnx-part user or item" },
    ...ranksByVectors(async (_, space, { dim, vectors, weights, numRows }) => {
      const { factorScorer } = await import("../shared/factor-model/trained.js");
      const w = rowsByFeature(space, weights ?? new Float32Array(numRows), 1);
      return factorScorer({ dim, w0: 0, w, vectors: rowsByFeature(space, vectors, dim) });
    }),
    rotation: async (...of) => await (await import("./model.js")).towersRotation(...of),
    mips: "rows",
    scoresBy: "vectors",
    forgetting: async (run) => {
      const { forgettingOf } = await import("../../training/capabilities/forgetting/forgetting.js");
      return await forgettingOf(run, { withoutKeys: [FORM_FILE, PARAMETERS_FILE] });
    },
    vectors: async (run) =>
      await (await import("../../training/capabilities/key-vectors.js")).vectorsOfFeatures(run),
    unknownKeys: async (...of) => await (await import("./model.js")).unknownKeysOfTowers(...of),
    networks: {
      user: async (...of) => await (await import("./export-towers.js")).towerFile("user", ...of),
      item: async (...of) => await (await import("./export-towers.js")).towerFile("item", ...of),
    },
    foldIn: async (...of) => await (await import("./fold-in.js")).foldInHistories(...of),
    transform: async (...of) => await (await import("./transform.js")).encodeItems(...of),
  },
};
