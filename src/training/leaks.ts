// A log to measure on that a run was trained on: its metrics are no measure of what the run does with new events.

import type { Dataset } from "../dataset/dataset.js";
import type { Run } from "../embedding/run-directory.js";

/**
 * A sentence for each file of the log that was an input of the training; side tables, which stand last, are read again.
 *
 * @param instead what measures new events, a clause
 */
export function leakNotes(
  { manifest, path }: Run,
  { inputs }: Dataset,
  numSides: number,
  { what = "events", instead = "; --part test measures on what the training held out" } = {},
): string[] {
  const logs = (all: Dataset["inputs"]) => all.slice(0, all.length - numSides);
  const trained = new Set(logs(manifest.inputs).map(({ sha256 }) => sha256));
  return logs(inputs)
    .filter(({ sha256 }) => trained.has(sha256))
    .map(
      ({ path: log }) =>
        `'${log}' is what run '${path}' was trained on: these are no metrics of new ${what}${instead}`,
    );
}
