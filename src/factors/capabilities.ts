// What every kind of factor model can do, whichever trainer fitted it.

import type { Capabilities } from "../training/model.js";

/** Of factors with one vector a feature. */
export const factorCapabilities: Capabilities = {
  rotation: async (...of) => (await import("./rotation.js")).factorRotation(...of),
  forgetting: async (run) => await (await import("./forgetting.js")).factorForgetting(run),
};
