// What a comparison trains of train-item2vec.

import { RANKS_ONLY, type LogTraits, type Suits } from "../../training/session/trainer.js";

/** Items by those around them in sessions, which are a user's events where no column is a session. */
export function suits({ goal }: LogTraits): Suits {
  return goal === "predictions" ? RANKS_ONLY : { candidates: [{ name: "item2vec", options: {}, effort: 6 }] };
}
