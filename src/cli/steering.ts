// What a signal does to a training: by --on-interrupt and --checkpoint-every.

import type { Watch } from "../training/watch.js";
import type { Interrupts } from "./interrupts.js";

export interface SteeringFlags {
  onInterrupt?: "abort" | "save";
  checkpointEvery?: number;
}

/** The watch of a training that may be finished early. @param saves what is saved then, such as `the best epoch so far` */
export function steered(flags: SteeringFlags, interrupts: Interrupts, saves: string, watch: Watch): Watch {
  const written = "no run is written, an existing one stays as it was";
  if (flags.checkpointEvery !== undefined)
    interrupts.keeps(`${written}; a checkpoint beside it is kept: --resume goes on from there`);
  else if (flags.onInterrupt === "save") interrupts.keeps(`there is nothing to save yet: ${written}`);
  if (flags.onInterrupt !== "save") return watch;
  return { ...watch, finishInstead: (finish) => interrupts.finishInstead(saves, finish) };
}
