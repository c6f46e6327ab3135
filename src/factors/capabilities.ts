// What every kind of factor model can do, whichever trainer fitted it.

import type { Capabilities } from "../training/model.js";
import { ranksByVectors, type ReadScorer } from "../training/scoring-models.js";
import type { Scorer } from "../training/trained.js";

/** The scorer of a run of factors with one vector a feature, or none. */
export const readFactors: ReadScorer<Required<Scorer>> = async (...of) =>
  await (await import("./trained.js")).readFactors(...of);

/** Of factors with one vector a feature, or none. */
export const sumCapabilities: Capabilities = {
  ...ranksByVectors(readFactors),
  transform: async (...of) => await (await import("./transform.js")).encodeSums(...of),
};

/** Of factors with one vector a feature. */
export const factorCapabilities: Capabilities = {
  ...sumCapabilities,
  rotation: async (...of) => (await import("./rotation.js")).factorRotation(...of),
};
