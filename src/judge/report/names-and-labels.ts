// Names (--names) and labels (--labels) of keys for a report; labels decide the colors of the keys on maps.

import { KeyIndex } from "../../dataset/vocabulary/key-index.js";
import type { SideTable } from "../../dataset/side.js";
import { keysOfRows, rowsOf } from "../../table/table.js";
import { UsageError, excerpt } from "../../base/errors.js";
import { keyAt } from "../../log/keys.js";
import { cellsByKey, labelsIn, readLabels, readKeyNames, type KeyNames } from "../../use/key-labels.js";
import type { ReportOptions } from "./options.js";
import type { OpenTable } from "../../use/tables.js";

/** Maximum number of labels that get a color of their own. */
const LABELS = 9;

export interface MapLabels {
  column: string;
  /** returns the text of the file's cell for a key, which may contain several labels */
  cellOf(key: string): string | undefined;
  /** labels with a color, most frequent first; the same labels for all runs */
  shown: readonly string[];
  /** returns the index in `shown` of the least frequent label of a key, which is the most specific */
  labelOf(key: string): number | undefined;
}

/** @param field the field whose keys the page shows; its most frequent labels get colors */
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
      // takes the last label of the key in `shown`, which is the least frequent, because `shown` is in descending order
      const last = shown.findLastIndex((label) => own.includes(label));
      return last < 0 ? undefined : last;
    },
  };
}

/** Returns a copy of a row with the name of its key, which is undefined if there is none. */
export type Called = <T extends { key: string }>(row: T) => T & { name?: string };

export class Names {
  constructor(private readonly files: readonly KeyNames[]) {}

  /** Returns the function that adds names to a field's rows; `item` in --names denotes the run's item column. */
  ofField({ fieldNamed }: OpenTable, field: string): Called {
    const file = this.files.find((each) => fieldNamed(each.field) === field);
    return (row) => file?.called(row) ?? row;
  }

  notes(): string[] {
    return this.files.flatMap((file) => file.note() ?? []);
  }
}

export async function readNames(
  opened: OpenTable,
  { names = [], reading }: Pick<ReportOptions, "names" | "reading">,
): Promise<Names> {
  const files: KeyNames[] = [];
  for (const text of names) {
    const file = await readKeyNames(opened, text, reading.threads);
    const same = files.find(({ field }) => opened.fieldNamed(field) === opened.fieldNamed(file.field));
    if (same)
      throw new UsageError(
        `--names '${same.path}' and '${file.path}' both name keys of ${excerpt(file.field)}: give one of them`,
      );
    files.push(file);
  }
  return new Names(files);
}
