// What every kind of factor model can do, whichever trainer fitted it.

import type { Capabilities } from "../training/model.js";

/** Of all runs that keep model/fm.safetensors. */
export const storedFactors = {
  forgetting: async (run) => await (await import("./forgetting.js")).factorForgetting(run),
  unknownKeys: async (run) => await (await import("./read.js")).factorUnknownKeys(run),
} satisfies Capabilities;

/** Of factors with one vector a feature. */
export const factorCapabilities = {
  ...storedFactors,
  rotation: async (...of) => (await import("./rotation.js")).factorRotation(...of),
  composition: async (run) => await (await import("./read.js")).factorComposition(run),
  mips: "rows",
  scoresBy: "vectors",
  secondOrder: async (run) => await (await import("./read.js")).secondOrderFacts(run),
  vectors: async (run) => await (await import("./read.js")).factorVectors(run),
} satisfies Capabilities;
