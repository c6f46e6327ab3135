import { fmOptionsOf, type FmOptions } from "../trainers/fm/options.js";
import type { FmLoss, FmModelName, Method } from "../trainers/fm/default-rates.js";
import { BEFORE_DATA } from "../training/session/feature-training.js";

/** Returns the default options for a loss, an optimization method and a kind of model. */
export function defaultFmOptions(
  loss: FmLoss,
  method: Method = "adagrad",
  kind: FmModelName = "fm",
): FmOptions {
  return fmOptionsOf({ model: kind, method }, { ...BEFORE_DATA, loss });
}
