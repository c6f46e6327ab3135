// What a comparison trains of train-pca.

import type { LogTraits, Suits } from "../../training/session/trainer.js";
import type { GivenPca } from "./options.js";

/**
 * Components of users x items: of the degree-normalised matrix, which is the default, and of the plain one, the baseline of every
 * embedding. For predictions those of rows x features, which predict nothing by themselves: a network starts from them.
 */
export function suits({ goal }: LogTraits): Suits {
  if (goal === "predictions") {
    // as wide as a network's vectors are by default
    const features: GivenPca = { matrix: "features", dim: 16 };
    return { candidates: [{ name: "pca", options: features, effort: 1, baseline: true, start: "only" }] };
  }
  const plain: GivenPca = { normalize: "none" };
  return {
    candidates: [
      { name: "pca", options: {}, effort: 1 },
      { name: "pca-plain", options: plain, effort: 1, baseline: true },
    ],
  };
}
