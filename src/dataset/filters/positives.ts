// Selects the events that happened from a log with labels, by a minimum label (--positive-from X), for trainings on
// positive events only.
//
//   log with labels ──► rows whose label is at least X ──► log of positive events, without the label column

import { DataError, UsageError } from "../../base/errors.js";
import { columnNamed, type Dataset, type Positives, rowsWhere, selectRows } from "../dataset.js";
import { columnText } from "./where.js";

/**
 * Returns the rows whose label makes them events, and removes the label's role. Returns the dataset unchanged if its
 * roles have no such rule.
 *
 * @returns also a note on the dropped rows
 * @throws {DataError} no row is left
 */
export function choosePositives(dataset: Dataset): { dataset: Dataset; notes: string[] } {
  const { positives } = dataset.roles;
  if (!positives) return { dataset, notes: [] };
  const { label: name, from } = positives;
  const label = columnNamed(dataset, name);
  if (label.kind !== "number") throw new RangeError(`label column '${name}' was not read as numbers`);
  const rows = rowsWhere(dataset.numRows, (row) => label.values[row]! >= from);
  if (rows.length === 0)
    throw new DataError(
      `--positive-from: none of ${dataset.numRows} rows has a '${name}' of at least ${from}`,
      { file: dataset.inputs.map(({ path }) => path).join(", "), column: name },
    );
  const { label: _, ...roles } = dataset.roles;
  const columns = dataset.columns.filter((column) => column !== label);
  const numLeftOut = dataset.numRows - rows.length;
  return {
    dataset: selectRows({ ...dataset, roles, columns }, rows),
    notes: [`${numLeftOut} rows with a '${name}' below ${from} excluded by --positive-from ${from}`],
  };
}

/** How the label column became the label; the suggestion of the error message depends on it. */
export type LabelOrigin = "inferred" | "named" | "encoded";

/**
 * Returns the error for a log with labels in which every row would be read as an event that happened.
 *
 * @param labels some labels, for the suggested option
 * @param truth spelling of true in the log, if labels are true and false
 */
export function labelOfEvents(
  name: string,
  labels: readonly number[],
  origin: LabelOrigin,
  truth?: string,
): UsageError {
  const from = likelyPositive(labels);
  const column = columnText(name);
  const holds =
    truth === undefined ? `${column} ${from === 1 ? "=" : ">="} ${from}` : `${column} = "${truth}"`;
  const ignore = `--ignore ${/^[\w.-]+$/.test(name) ? name : `'${name}'`}`;
  const keeps =
    `--positive-from ${from} keeps rows ` +
    (from === 1 ? "with label 1" : `with a label of at least ${from}`);
  const choices = {
    inferred: `${keeps}, and so does --where '${holds}' ${ignore}; ${ignore} alone treats every row as an event`,
    named:
      `${keeps}, and so does --where '${holds}' ${ignore} instead of --label; ${ignore} alone treats ` +
      "every row as an event",
    encoded: `${keeps}; ${ignore} treats every row as an event`,
  };
  return new UsageError(
    `this training treats rows as positive events, but '${name}' ` +
      `${origin === "inferred" ? "looks like a" : "is the"} label, so some rows may be negative: ` +
      choices[origin],
  );
}

/** Suggests the minimum label of an event: 1 for 0/1 or -1/1; otherwise the first label above the mean. */
function likelyPositive(labels: readonly number[]): number {
  const known = labels.filter((y) => !Number.isNaN(y));
  if (known.every((y) => y === 0 || y === 1 || y === -1)) return 1;
  const mean = known.reduce((sum, y) => sum + y, 0) / known.length;
  const above = known.filter((y) => y >= mean);
  return above.reduce((least, y) => Math.min(least, y));
}

/** @throws {UsageError} rows must be selected by label, but the log has no label */
export function positivesFrom(label: string | undefined, from: number): Positives {
  if (label === undefined)
    throw new UsageError(
      `--positive-from ${from} needs a label column: name it with --label, or omit --positive-from`,
    );
  return { label, from };
}
