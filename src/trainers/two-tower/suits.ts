// What a comparison trains of train-two-tower.

import { RANKS_ONLY, type LogTraits, type Suits } from "../../training/session/trainer.js";
import { historyOf, type GivenTwoTower } from "./options.js";

/** Users by what they took before; of a log without times, by all else that they took. */
export function suits({ goal, roles }: LogTraits): Suits {
  if (goal === "predictions") return RANKS_ONLY;
  const options: GivenTwoTower =
    roles.time === undefined ? { history: historyOf("others", "--history") } : {};
  return { candidates: [{ name: "two-tower", options, effort: 20 }] };
}
