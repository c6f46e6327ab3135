// The model that runs of `train-gbdt` hold.

import type { Models } from "../../training/model.js";

export const models: Models = {
  gbdt: { holds: "boosted trees (train-gbdt)" },
};
