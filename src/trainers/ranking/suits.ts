// What a comparison trains of train-ranking.

import { RANKS_ONLY, type LogTraits, type Suits } from "../../training/session/trainer.js";
import type { GivenRanking } from "./options.js";

/** The default pairwise loss and a softmax: of cosines, which rank best in docs/comparison.md, where there are users and items alone. */
export function suits({ goal, roles: { fields, numeric, multi } }: LogTraits): Suits {
  if (goal === "predictions") return RANKS_ONLY;
  const isPairs = fields.length + numeric.length + Object.keys(multi).length === 2;
  const softmax: GivenRanking = { loss: "sampled-softmax", ...(isPairs && { similarity: "cosine" }) };
  return {
    candidates: [
      { name: "ranking-softmax", options: softmax, effort: 8 },
      { name: "ranking", options: {}, effort: 30 },
    ],
  };
}
