// The kind of model in runs of `train-net`.

import { type Models, predictsLabels } from "../../training/capabilities/model.js";

export const models: Models = {
  net: {
    holds: "a network",
    command: "train-net",
    ...predictsLabels(async (...of) => await (await import("./model.js")).readNet(...of)),
    rank: async (...of) => await (await import("./rank.js")).rankByNetwork(...of),
    transform: async (...of) => await (await import("./transform.js")).encodeHidden(...of),
    lacks: {
      rotation:
        "its first layer depends on each coordinate; warm-start from the earlier run (--init) instead",
    },
    forgetting: async (run) => {
      const { forgettingOf } = await import("../../training/capabilities/forgetting/forgetting.js");
      return await forgettingOf(run, { withoutKeys: ["net.json", "net.safetensors"] });
    },
    scoresBy: "vectors",
    vectors: async (run) => await (await import("./model.js")).networkVectors(run),
    unknownKeys: async (run) => await (await import("./model.js")).networkUnknownKeys(run),
    networks: {
      network: async (...of) => await (await import("./export-network.js")).wholeNetwork(...of),
    },
  },
};
