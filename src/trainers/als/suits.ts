// What a comparison trains of train-als.

import { RANKS_ONLY, type LogTraits, type Suits } from "../../training/session/trainer.js";

/** Any log of users and items. */
export function suits({ goal }: LogTraits): Suits {
  return goal === "predictions" ? RANKS_ONLY : { candidates: [{ name: "als", options: {}, effort: 3 }] };
}
