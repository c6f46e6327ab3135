// The model that runs of `train-net` hold.

import type { Models } from "../../training/model.js";

export const models: Models = {
  net: {
    holds: "a network (train-net)",
    lacks: {
      rotation:
        "its first layer reads every coordinate by itself; start it from the earlier run (--init), which keeps them in place",
    },
    forgetting: async (run) =>
      await (
        await import("../../training/forgetting/forgetting.js")
      ).forgettingOf(run, { withoutKeys: ["net.json", "net.safetensors"] }),
    scoresBy: "vectors",
    vectors: async (run) => await (await import("./read.js")).networkVectors(run),
    unknownKeys: async (run) => await (await import("./read.js")).networkUnknownKeys(run),
    network: async (...of) => await (await import("./export-network.js")).wholeNetwork(...of),
  },
};
