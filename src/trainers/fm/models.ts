// The models that runs of `train-fm` hold.

import type { Models } from "../../training/model.js";

export const models: Models = {
  fm: { holds: "a factorization machine (train-fm)" },
  lr: { holds: "a linear model (train-fm --model lr)" },
  ffm: { holds: "a field-aware factorization machine (train-fm --model ffm)" },
  "fm-draws": { holds: "posterior draws (train-fm --method mcmc)" },
};
