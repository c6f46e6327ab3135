// The table that a page shows of a run, and the file that says what its keys are called.

import { KeyIndex } from "../dataset/key-index.js";
import { DEFAULT_TABLE, type Run } from "../embedding/run-directory.js";
import { UsageError } from "../errors.js";
import { readLabels } from "./label-file.js";
import type { ReportOptions } from "./report-options.js";
import type { Names } from "./report-table.js";
import { openTable, type OpenTable } from "./tables.js";

/** @throws {UsageError} a file of labels without a column, or a column without a file */
export function checkLabels({ labels, labelColumn, nameColumn }: ReportOptions): void {
  if (labels === undefined && (labelColumn ?? nameColumn) !== undefined) {
    const flag = labelColumn === undefined ? "--name-column" : "--label-column";
    throw new UsageError(`${flag} is a column of a file of labels: name the file too, --labels FILE:item`);
  }
  if (labels !== undefined && labelColumn === undefined && nameColumn === undefined)
    throw new UsageError(
      "say what --labels has: --label-column COLUMN gives the colours, --name-column COLUMN the names",
    );
}

/** The default table, or the one that is named; of trees without a table of keys, none and a word. */
export async function tableToShow(
  run: Run,
  { table }: ReportOptions,
  absent: string[],
): Promise<OpenTable | undefined> {
  if (table !== undefined || run.tables.includes(DEFAULT_TABLE)) return await openTable(run.path, table);
  absent.push(
    run.tables.length === 0
      ? "norms, map and neighbours: the run holds no table"
      : `norms, map and neighbours: the run has no table of keys, only ${run.tables.join(", ")} (train-gbdt --entity makes one, --table shows another)`,
  );
  return undefined;
}

/** The file of labels by its keys. @throws {UsageError} @throws {DataError} */
export async function readNames(
  opened: OpenTable,
  { labels, labelColumn, nameColumn, reading }: ReportOptions,
): Promise<Names | undefined> {
  if (labels === undefined) return undefined;
  const columns = { "--label-column": labelColumn, "--name-column": nameColumn };
  const { side } = await readLabels(opened, labels, columns, reading.threads);
  return { side, index: new KeyIndex(side.keys), labelColumn, nameColumn };
}
