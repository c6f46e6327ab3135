// What a comparison trains of train-fm.

import type { Candidate, LogTraits, Suits } from "../../training/session/trainer.js";
import type { GivenFm } from "./options.js";

/** Machines of labels; for lists one of events against drawn negatives. */
export function suits({ goal, task }: LogTraits): Suits {
  if (goal === "lists") return { candidates: [candidate("fm", 10, { negatives: 4 })] };
  return {
    candidates: [
      // weights alone: a bias for each key
      { ...candidate("lr", 2, { model: "lr" }), baseline: true },
      { ...candidate("fm", 3, {}), start: "too" },
      candidate("ffm", 15, { model: "ffm" }),
      ...(task === "regression" ? [candidate("fm-mcmc", 12, { method: "mcmc" })] : []),
    ],
  };
}

function candidate(name: string, effort: number, options: GivenFm): Candidate {
  return { name, options, effort };
}
