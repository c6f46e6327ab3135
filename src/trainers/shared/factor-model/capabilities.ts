import {
  readScoringModel,
  scoresRows,
  type Capabilities,
  type ReadScorer,
} from "../../../training/capabilities/model.js";
import type { Scorer } from "../../../training/session/feature-training.js";

/** Returns the scorer of a factor model's run; each feature has one vector, or none in a linear model. */
export const readFactors: ReadScorer<Required<Scorer>> = async (...of) =>
  await (await import("./trained.js")).readFactors(...of);

/** Capabilities of all runs that have model/fm.safetensors. */
export const storedFactors = {
  forgetting: async (run) => await (await import("./read.js")).factorForgetting(run),
  unknownKeys: async (run) => await (await import("./read.js")).factorUnknownKeys(run),
} satisfies Capabilities;

/** Capabilities of factor models whose features have one vector, or none. */
export const sumCapabilities = {
  ...storedFactors,
  ...scoresRows(readFactors),
  async rank(run, keys, inPlace) {
    const model = inPlace
      ? await readScoringModel(readFactors, run, inPlace)
      : await (await import("./ranks.js")).openRanks(run);
    return await (
      await import("../../../training/split-metrics/ranked-items.js")
    ).rankByVectors(run, model, keys);
  },
  transform: async (...of) => await (await import("./transform.js")).encodeSums(...of),
  secondOrder: async (run) => await (await import("./read.js")).secondOrderFacts(run),
} satisfies Capabilities;

/** Capabilities of factor models whose features have one vector. */
export const factorCapabilities = {
  ...sumCapabilities,
  rotation: async (...of) => (await import("./rotation.js")).factorRotation(...of),
  composition: async (run) => await (await import("./read.js")).factorComposition(run),
  mips: "rows",
  scoresBy: "vectors",
  vectors: async (run) => await (await import("./read.js")).factorVectors(run),
} satisfies Capabilities;
