// What --search saw, as people read it.

import { flagOf } from "../errors.js";
import type { Summary } from "../training/summary.js";
import { formatTable } from "./terminal.js";

/** A line a setting, the chosen one first; nothing without a search. */
export function searchLines(trials: Summary["search"]): string {
  if (!trials) return "";
  const names = Object.keys(trials[0]!).filter((name) => !["epochs", "bestEpoch", "value"].includes(name));
  const head = [...names.map((name) => flagOf(name).slice(2).replaceAll("-", " ")), "epochs", "validation"];
  const lines = trials.map((trial) => [
    ...[...names, "epochs"].map((name) => String(trial[name])),
    trial.value === null ? "diverged" : trial.value.toFixed(5),
  ]);
  return `${formatTable([head, ...lines])}\n`;
}
