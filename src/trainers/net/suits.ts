// What a comparison trains of train-net.

import { PREDICTS_ONLY, type LogTraits, type Suits } from "../../training/suits.js";
import { archs } from "./options.js";

/** A network of each architecture, from random vectors. */
export function suits({ goal }: LogTraits): Suits {
  if (goal === "lists") return PREDICTS_ONLY;
  return { candidates: archs.map((arch) => ({ name: `net-${arch}`, options: { arch }, effort: 30 })) };
}
