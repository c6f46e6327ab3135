// Which events of a log count as a user's taking an item.

import { labelsOf, ranksItems } from "../dataset/labels.js";
import type { Preprocess } from "../dataset/vocabulary/preprocess.js";
import { UsageError } from "../errors.js";
import type { Part } from "../training/examples/examples.js";

/** The events that count: those of a positive label, where the log has labels. */
export function counting(
  { dataset, rows }: Part,
  { task, positiveFrom: trained }: Preprocess,
  given: number | undefined,
): Part {
  if (ranksItems(task) || dataset.roles.label === undefined) {
    if (given !== undefined)
      throw new UsageError("--positive-from needs a label column, but the log has none");
    return { dataset, rows };
  }
  const from = given ?? trained ?? undefined;
  if (task === "regression" && from === undefined) {
    throw new UsageError(
      `--ranking needs positive events: set the minimum '${dataset.roles.label}' with --positive-from N`,
    );
  }
  const { values } = labelsOf(dataset, from, task);
  return { dataset, rows: rows.filter((row) => values[row]! > 0) };
}
