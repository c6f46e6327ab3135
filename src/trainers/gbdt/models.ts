import type { Models } from "../../training/capabilities/model.js";
import type { PredictForeign } from "../../training/capabilities/row-predictor.js";
import type { TransformForeign } from "../../training/shared-options/transform-options.js";

export const transformForeign: TransformForeign = async (...of) =>
  await (await import("./foreign-models/foreign.js")).encodeWithForeign(...of);

export const foreignPredictor: PredictForeign = async (...of) =>
  await (await import("./foreign-models/foreign.js")).foreignPredictor(...of);

export const models: Models = {
  gbdt: {
    holds: "boosted trees",
    command: "train-gbdt",
    predictor: async (...of) => await (await import("./run.js")).treePredictor(...of),
    evaluate: async (...of) => await (await import("./run.js")).metricsOfTrees(...of),
    transform: async (...of) => await (await import("./transform.js")).encodeWithTrees(...of),
    transformFlags: ["--dense", "--features", "--format libsvm"],
    lacks: {
      rotation: "its rows are encodings of leaves, and trees of different trainings have no leaves in common",
    },
    forgetting: async (run) => (await import("./forgetting.js")).treeForgetting(run),
    vectors: async (run) => await (await import("./run.js")).entityVectors(run),
    unknownKeys: async (...of) => (await import("./run.js")).unknownKeysOfTrees(...of),
    rowTexts: async (...of) => await (await import("./run.js")).leafTexts(...of),
    reported: async (run) => ({ importances: await (await import("./run.js")).readImportances(run) }),
  },
};
