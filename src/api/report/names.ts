// What the keys of a page are called: names and labels from the file of --labels.

import { keyAt } from "../../log/keys.js";
import { KeyIndex } from "../../dataset/key-index.js";
import type { SideTable } from "../../dataset/side.js";
import { keysOfRows, rowsOf } from "../../embedding/table.js";
import { UsageError } from "../../errors.js";
import { cellsByKey, labelsIn, readLabels } from "../evaluate/label-file.js";
import type { ReportOptions } from "./options.js";
import type { OpenTable } from "../tables.js";

/** Labels that have a colour. */
const LABELS = 9;

/** Names and labels by key; nothing for a key that the file has not. */
export interface Names {
  nameOf(key: string): string | undefined;
  /** all labels as the file has them */
  cellOf(key: string): string | undefined;
  /** the column of the labels */
  column: string | undefined;
  /** those that have a colour, that of most keys first; the same for all runs */
  labels: readonly string[];
  /** of a key's labels the one of fewest keys, which tells most; an index into `labels` */
  labelOf(key: string): number | undefined;
}

/** @throws {UsageError} a file of labels without a column, or a column without a file */
export function checkLabels({ labels, labelColumn, nameColumn }: ReportOptions): void {
  if (labels === undefined && (labelColumn ?? nameColumn) !== undefined) {
    const flag = labelColumn === undefined ? "--name-column" : "--label-column";
    throw new UsageError(`${flag} needs a label file: --labels FILE:item`);
  }
  if (labels !== undefined && labelColumn === undefined && nameColumn === undefined)
    throw new UsageError(
      "--labels needs --label-column COLUMN for colours or --name-column COLUMN for names",
    );
}

/**
 * The file of labels, if one is named.
 *
 * @param field whose keys decide which labels have a colour
 * @throws {UsageError} it has not the column @throws {DataError} a key stands there twice
 */
export async function readNames(
  opened: OpenTable,
  field: string,
  { labels, labelColumn, nameColumn, reading }: ReportOptions,
): Promise<Names | undefined> {
  if (labels === undefined) return undefined;
  const columns = { "--label-column": labelColumn, "--name-column": nameColumn };
  const { side } = await readLabels(opened, labels, columns, reading.threads);
  const index = new KeyIndex(side.keys);
  const cellsOf = (column: string | undefined) =>
    column === undefined ? () => undefined : cellsByKey(side, column, index);
  return {
    nameOf: cellsOf(nameColumn),
    cellOf: cellsOf(labelColumn),
    column: labelColumn,
    ...(labelColumn === undefined
      ? { labels: [], labelOf: () => undefined }
      : shownLabels(opened, field, side, index, labelColumn)),
  };
}

/** The labels that most keys of the field have. */
function shownLabels(
  { table }: OpenTable,
  field: string,
  side: SideTable,
  index: KeyIndex,
  column: string,
): Pick<Names, "labels" | "labelOf"> {
  const { names, labelsOfRow } = labelsIn(side, column);
  const keys = keysOfRows(table, rowsOf(table, field));
  const sizes = new Uint32Array(names.size);
  for (let key = 0; key < keys.size; key++) {
    const row = index.find(keys, key);
    if (row >= 0) for (const label of labelsOfRow(row)) sizes[label]!++;
  }
  const shown = [...sizes.keys()]
    .filter((label) => sizes[label]! > 0)
    .sort((a, b) => sizes[b]! - sizes[a]! || a - b)
    .slice(0, LABELS);
  return {
    labels: shown.map((label) => keyAt(names, label)),
    labelOf: (key) => {
      const row = index.findText(key);
      const own = row < 0 ? new Uint32Array() : labelsOfRow(row);
      // the shown labels are in descending order, so the last that a key has is of fewest keys
      const last = shown.findLastIndex((label) => own.includes(label));
      return last < 0 ? undefined : last;
    },
  };
}

/** A key with its name. */
export function called(key: string, names: Names | undefined): { key: string; name?: string } {
  const name = names?.nameOf(key);
  return { key, ...(name !== undefined && { name }) };
}
