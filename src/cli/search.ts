// Formats the results of --search as text.

import { flagOf } from "../errors.js";
import { titleOf } from "../evaluation/metrics.js";
import { searchGain } from "../evaluation/search-gain.js";
import type { Summary } from "../training/session/summary.js";
import { formatTable } from "./terminal.js";

/** Formats one line per setting, the best first; nothing without a search. */
export function searchLines({ search: trials, searchedBy }: Pick<Summary, "search" | "searchedBy">): string {
  if (!trials || !searchedBy) return "";
  const all = new Set(trials.flatMap((trial) => Object.keys(trial)));
  const names = [...all].filter((name) => !["epochs", "bestEpoch", "value"].includes(name));
  const titles = names.map((name) => flagOf(name).slice(2).replaceAll("-", " "));
  const lines = trials.map((trial) => [
    ...[...names, "epochs"].map((name) => String(trial[name] ?? "")),
    trial.value === null ? "failed" : trial.value.toFixed(5),
  ]);
  return `${formatTable([[...titles, "epochs", titleOf(searchedBy.metric)], ...lines])}${searchGain(searchedBy, trials.length)}\n\n`;
}
