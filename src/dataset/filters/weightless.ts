// Drops the rows of weight 0 of an encoded dataset, and checks its weights. Of a log, collect.ts does both as it reads.

import { DataError } from "../../errors.js";
import { ascending } from "../../numeric/indices.js";
import { columnNamed, rowsWhere, type Dataset } from "../dataset.js";
import { rowWeights, type EventWeightOptions } from "../sequences/event-weights.js";
import { storedRowsAsLog } from "../stored-columns.js";

/**
 * Returns the rows whose weight is above 0, and the number of rows of weight 0.
 *
 * @throws {UsageError} a kind of event has no weight
 * @throws {DataError} a weight is missing or below 0, or no row is left
 */
export function withoutWeightless(
  path: string,
  dataset: Dataset,
  options: Pick<EventWeightOptions, "eventWeight">,
): { dataset: Dataset; numZeros: number } {
  const { weight } = dataset.roles;
  const column = weight === undefined ? undefined : columnNamed(dataset, weight);
  if (column?.kind === "number") {
    const bad = column.values.findIndex((x) => !(x >= 0 && x < Infinity));
    if (bad >= 0)
      throw new DataError(
        `expected a weight of at least 0, row ${bad + 1} has ${column.values[bad]}: encode the log again with ` +
          `--weight ${weight}, which checks the weights`,
        { file: path, column: column.name },
      );
  }
  const weights = rowWeights(dataset, ascending(dataset.numRows), options);
  const rows = weights?.includes(0) ? rowsWhere(dataset.numRows, (row) => weights[row]! > 0) : undefined;
  if (!rows) return { dataset, numZeros: 0 };
  if (rows.length === 0) throw new DataError(`all ${dataset.numRows} rows have weight 0`, { file: path });
  return { dataset: storedRowsAsLog(dataset, rows), numZeros: dataset.numRows - rows.length };
}

export function weightlessNote(numZeros: number): string {
  return `${numZeros} rows of weight 0 excluded`;
}
