// What a comparison trains of train-net.

import { PREDICTS_ONLY, type Candidate, type LogTraits, type Suits } from "../../training/session/trainer.js";
import { archs, type GivenNet } from "./options.js";

/** A network of each architecture from random vectors; the one that was made to start from a table (Zhang et al. 2016) also from tables. */
export function suits({ goal }: LogTraits): Suits {
  if (goal === "lists") return PREDICTS_ONLY;
  return { candidates: archs.map(candidate) };
}

function candidate(arch: (typeof archs)[number]): Candidate {
  const options: GivenNet = { arch };
  return {
    name: `net-${arch}`,
    options,
    effort: 30,
    ...(arch === "fnn" && { startOption: "init" satisfies keyof GivenNet }),
  };
}
