// What a comparison trains of train-pca.

import type { LogTraits, Suits } from "../../training/suits.js";
import type { GivenPca } from "./options.js";

/** Components of users x items: plain ones, the baseline of every embedding, and those of the degree-normalised matrix. */
export function suits({ goal }: LogTraits): Suits {
  if (goal === "predictions") return { whyNot: "makes components, which predict no labels" };
  const byDegree: GivenPca = { normalize: "degree" };
  return {
    candidates: [
      { name: "pca", options: {}, effort: 1, baseline: true },
      { name: "pca-degree", options: byDegree, effort: 1 },
    ],
  };
}
