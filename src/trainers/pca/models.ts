// The models that runs of `train-pca` hold.

import type { Models } from "../../training/model.js";

export const models: Models = {
  pca: { holds: "components of users and items (train-pca)" },
  "pca-features": { holds: "components of features (train-pca --matrix features)" },
  "pca-columns": { holds: "components of columns (train-pca --matrix columns)" },
  "pca-cooccurrence": { holds: "components of co-occurring items (train-pca --matrix cooccurrence)" },
};
