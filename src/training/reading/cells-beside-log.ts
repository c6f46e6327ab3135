// How cells of a file beside a run's log are read: a table of items or users, a catalogue, labels.

import type { Run } from "../../embedding/run-directory.js";
import { cellReadingOf, numberFormOf, type CellReading } from "../../log/log.js";
import { COMMON_NULLS } from "../../log/nulls.js";

/** The texts for missing cells, and the form of numbers in delimited text. */
export type CellsBesideLog = Omit<CellReading, "columns" | "delimiter">;

/**
 * As the cells of the run's log, unless this command says otherwise; the common texts for missing cells where the run was imported.
 *
 * @param reading of this command
 */
export function cellsBesideLog(
  { manifest }: Pick<Run, "manifest">,
  { nulls, ...reading }: CellReading = {},
): CellsBesideLog {
  const log = manifest.options["reading"] as CellReading | undefined;
  const { columns: _, delimiter: __, ...cells } = log ? cellReadingOf(log) : { nulls: COMMON_NULLS };
  return { ...cells, ...(nulls && { nulls }), ...numberFormOf(reading) };
}
