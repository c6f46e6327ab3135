// Labels for a report (--labels), which color the keys on its maps.

import { KeyIndex } from "../../dataset/vocabulary/key-index.js";
import type { SideTable } from "../../dataset/side.js";
import { keysOfRows, rowsOf } from "../../embedding/table.js";
import { UsageError } from "../../errors.js";
import { keyAt } from "../../log/keys.js";
import { cellsByKey, labelsIn, readLabels } from "../key-labels.js";
import type { ReportOptions } from "./options.js";
import type { OpenTable } from "../tables.js";

/** Number of labels that have a color. */
const LABELS = 9;

/** Looks labels up by key. */
export interface MapLabels {
  /** column of the labels */
  column: string;
  /** returns the label cell of a key, as in the file */
  cellOf(key: string): string | undefined;
  /** labels that have a color, most frequent first; the same for all runs */
  shown: readonly string[];
  /** returns the index in `shown` of a key's least frequent label, which says most about it */
  labelOf(key: string): number | undefined;
}

/**
 * Reads the file of labels, if one is named.
 *
 * @param field the shown field; its most frequent labels get colors
 * @throws {UsageError} the file is about another field, or lacks the column @throws {DataError} a key occurs twice
 */
export async function labelsOfKeys(
  opened: OpenTable,
  field: string,
  { labels, labelColumn: column, reading }: ReportOptions,
): Promise<MapLabels | undefined> {
  if (labels === undefined || column === undefined) return undefined;
  const read = await readLabels(opened, labels, { "--label-column": column }, reading.threads);
  if (opened.fieldNamed(read.field) !== field)
    throw new UsageError(
      `--labels is about keys of ${read.field}, and the map shows ${field}: --field ${read.field} shows the others`,
    );
  const index = new KeyIndex(read.side.keys);
  return {
    column,
    cellOf: cellsByKey(read.side, column, index),
    ...shownLabels(opened, field, read.side, index, column),
  };
}

/** Chooses the labels that most keys of the field have. */
function shownLabels(
  { table }: OpenTable,
  field: string,
  side: SideTable,
  index: KeyIndex,
  column: string,
): Pick<MapLabels, "shown" | "labelOf"> {
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
    shown: shown.map((label) => keyAt(names, label)),
    labelOf: (key) => {
      const row = index.findText(key);
      const own = row < 0 ? new Uint32Array() : labelsOfRow(row);
      // the last match is the least frequent label, because shown labels are in descending order
      const last = shown.findLastIndex((label) => own.includes(label));
      return last < 0 ? undefined : last;
    },
  };
}
