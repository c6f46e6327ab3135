// Events that happened, out of a log with labels: rows from a label on (--positive-from X) where a training takes positive
// events alone.
//
//   log with labels ──► rows whose label is at least X ──► log of positive events, whose label is no column any more

import { DataError, UsageError } from "../../errors.js";
import { columnNamed, type Dataset, type Positives } from "../dataset.js";
import { rowsWhere, selectRows } from "../select-rows.js";
import { columnText } from "./where.js";

/**
 * The rows whose label makes them events, without the label; the dataset as it is where its roles ask for no such choice.
 *
 * @returns with a sentence on what was left out
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

/** How a label came to be one, which decides what its user can type. */
export type LabelOrigin = "inferred" | "named" | "encoded";

/**
 * The error for a log with labels where every row would be taken for an event that happened.
 *
 * @param labels some of them, for what to type
 * @param truth how the log spells true, where labels are true and false
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

/** From which label on rows are likely to be meant: 1 of 0 and 1, or -1 and 1; above the mean of others, 4 of 1 to 5. */
function likelyPositive(labels: readonly number[]): number {
  const known = labels.filter((y) => !Number.isNaN(y));
  if (known.every((y) => y === 0 || y === 1 || y === -1)) return 1;
  const mean = known.reduce((sum, y) => sum + y, 0) / known.length;
  const above = known.filter((y) => y >= mean);
  return above.reduce((least, y) => Math.min(least, y));
}

/** @throws {UsageError} rows are to be chosen by a label, and there is none */
export function positivesFrom(label: string | undefined, from: number): Positives {
  if (label === undefined)
    throw new UsageError(
      `--positive-from ${from} needs a label column: name it with --label, or omit --positive-from`,
    );
  return { label, from };
}
