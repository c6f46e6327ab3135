// What --search saw, as people read it.

import type { Summary } from "../training/summary.js";
import { formatTable } from "./terminal.js";

/** A line a setting, the chosen one first; nothing without a search. */
export function searchLines(trials: Summary["search"]): string {
  if (!trials) return "";
  const head = ["dim", "learning rate", "l2 weight", "l2 vector", "epochs", "validation"];
  const lines = trials.map(({ dim, learningRate, l2Weight, l2Vector, epochs, value }) => [
    ...[dim, learningRate, l2Weight, l2Vector, epochs].map(String),
    value === null ? "diverged" : value.toFixed(5),
  ]);
  return `${formatTable([head, ...lines])}\n`;
}
