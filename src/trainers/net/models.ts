// The model that runs of `train-net` hold.

import type { Models } from "../../training/model.js";

export const models: Models = {
  net: { holds: "a network (train-net)" },
};
