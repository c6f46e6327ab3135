// Labels from the file of --labels color the keys of a page's maps.

import { KeyIndex } from "../../dataset/vocabulary/key-index.js";
import type { SideTable } from "../../dataset/side.js";
import { keysOfRows, rowsOf } from "../../embedding/table.js";
import { UsageError } from "../../errors.js";
import { keyAt } from "../../log/keys.js";
import { cellsByKey, labelsIn, readLabels } from "../key-labels.js";
import type { ReportOptions } from "./options.js";
import type { OpenTable } from "../tables.js";

/** Labels that have a color. */
const LABELS = 9;

/** Labels by key; nothing for a key that the file has not. */
export interface Labels {
  /** the column that has them */
  column: string;
  /** all labels as the file has them */
  cellOf(key: string): string | undefined;
  /** those that have a color, that of most keys first; the same for all runs */
  shown: readonly string[];
  /** of a key's labels the one of fewest keys, which tells most; an index into `shown` */
  labelOf(key: string): number | undefined;
}

/**
 * The file of labels, if one is named.
 *
 * @param field that the page shows, whose keys decide which labels have a color
 * @throws {UsageError} it is about another field, or has not the column @throws {DataError} a key stands there twice
 */
export async function labelsOfKeys(
  opened: OpenTable,
  field: string,
  { labels, labelColumn: column, reading }: ReportOptions,
): Promise<Labels | undefined> {
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

/** The labels that most keys of the field have. */
function shownLabels(
  { table }: OpenTable,
  field: string,
  side: SideTable,
  index: KeyIndex,
  column: string,
): Pick<Labels, "shown" | "labelOf"> {
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
      // the shown labels are in descending order, so the last that a key has is of fewest keys
      const last = shown.findLastIndex((label) => own.includes(label));
      return last < 0 ? undefined : last;
    },
  };
}
