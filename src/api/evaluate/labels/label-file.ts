// The file of --labels, or --names: what the keys of a field are called, a row a key.

import { MISSING, keyAt } from "../../../log/keys.js";
import { KeyIndex } from "../../../dataset/vocabulary/key-index.js";
import { splitCells } from "../../../dataset/multi.js";
import { requireColumn } from "../../../dataset/roles.js";
import { parseSide, readSide, type SideTable } from "../../../dataset/side.js";
import { rowsOf } from "../../../embedding/table.js";
import { UsageError } from "../../../errors.js";
import { openLog } from "../../../log/open.js";
import { cellsBesideLog } from "../../../training/reading/open-as-trained.js";
import { sideReading } from "../../../training/reading/read-dataset.js";
import type { OpenTable } from "../../tables.js";

/** Between the labels of a cell. */
const SEPARATOR = "|";

/**
 * The file, and the field that it is about, as it is named there.
 *
 * @param labels  FILE:FIELD[=COLUMN]
 * @param columns by the flag that names it; those that are not asked for are undefined
 * @param flag    that names the file
 * @throws {UsageError} the table has no such field, the file no such column, or a column is the key
 */
export async function readLabels(
  first: OpenTable,
  labels: string,
  columns: Readonly<Record<string, string | undefined>>,
  threads: number,
  flag = "--labels",
): Promise<{ side: SideTable; field: string }> {
  const { path, key, sideKey } = parseSide(labels, flag);
  rowsOf(first.table, first.fieldNamed(key));
  const log = await openLog([path], { ...sideReading(cellsBesideLog(first.run), [path]), threads });
  // item_id for item, where the file has no column of that name
  const column = sideKey === key && !log.columns.includes(key) ? first.fieldNamed(key) : sideKey;
  for (const [asking, name] of Object.entries(columns))
    if (name !== undefined) requireColumn(asking, name, log.columns);
  const side = await readSide(log, path, key, column, flag);
  for (const name of Object.values(columns))
    if (name === column) throw new UsageError(`column '${name}' is the key of ${flag}, not a label`);
  return { side, field: key };
}

/** What the file says of a key in a column; undefined where it has not the key, or the cell is empty. */
export function cellsByKey(
  { columns, keys }: SideTable,
  column: string,
  index = new KeyIndex(keys),
): (key: string) => string | undefined {
  const { codes, dictionary } = columns.find(({ name }) => name === column)!;
  return (key) => {
    const row = index.findText(key);
    // a missing cell has a code that no dictionary reaches
    return row >= 0 && codes[row]! < dictionary.size ? keyAt(dictionary, codes[row]!) : undefined;
  };
}

/** What a row of the file says in a column: its labels, several a cell as `a|b`, as indices into `names`. */
export function labelsIn(side: SideTable, column: string) {
  const { codes, dictionary } = side.columns.find(({ name }) => name === column)!;
  const cells = splitCells(column, codes, dictionary, { separator: SEPARATOR });
  return {
    names: cells.dictionary,
    /** none where the cell is empty */
    labelsOfRow: (row: number): Uint32Array => {
      const code = codes[row]!;
      return code === MISSING
        ? new Uint32Array()
        : cells.values.subarray(cells.indptr[code], cells.indptr[code + 1]);
    },
  };
}
