// What a comparison trains of train-graph.

import { RANKS_ONLY, type LogTraits, type Suits } from "../../training/session/trainer.js";

/** DeepWalk over the steps from item to item. */
export function suits({ goal }: LogTraits): Suits {
  return goal === "predictions" ? RANKS_ONLY : { candidates: [{ name: "graph", options: {}, effort: 40 }] };
}
