// The models that runs of `train-pca` hold.

import type { Capabilities, Models } from "../../training/model.js";

const components: Capabilities = {
  rotation: async (...of) => (await import("./rotation.js")).componentRotation(...of),
  forgetting: async (run) => await (await import("./forgetting.js")).componentForgetting(run),
  vectors: async (run) => await (await import("../../training/key-vectors.js")).vectorsOfFeatures(run),
};

export const models: Models = {
  pca: { holds: "components of users and items (train-pca)", ...components, scoresBy: "vectors" },
  "pca-features": { holds: "components of features (train-pca --matrix features)", ...components },
  "pca-columns": { holds: "components of columns (train-pca --matrix columns)", ...components },
  "pca-cooccurrence": {
    holds: "components of co-occurring items (train-pca --matrix cooccurrence)",
    ...components,
  },
};
