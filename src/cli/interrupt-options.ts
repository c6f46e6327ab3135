// What a signal does to a training: by --on-interrupt and --checkpoint-every.

import type { Watch } from "../training/session/watch.js";
import type { Interrupts } from "./interrupts.js";

export interface SteeringFlags {
  onInterrupt?: "abort" | "save";
  checkpointEvery?: number;
}

/** The watch of a training that may be finished early. @param saves what is saved then, such as `the best epoch so far` */
export function steered(flags: SteeringFlags, interrupts: Interrupts, saves: string, watch: Watch): Watch {
  const written = "no run was written; an existing run is unchanged";
  if (flags.checkpointEvery !== undefined)
    interrupts.keeps(`${written}; the checkpoint is kept: continue with --resume`);
  else if (flags.onInterrupt === "save") interrupts.keeps(`there is nothing to save yet: ${written}`);
  if (flags.onInterrupt !== "save") return watch;
  return { ...watch, finishInstead: (finish) => interrupts.finishInstead(saves, finish) };
}
