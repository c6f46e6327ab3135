// Files of what the keys of a field are called, a row a key: labels of --labels, and names of --names with what they lack of the keys
// that were shown.

import { cellsBesideLog } from "../training/reading/open-as-trained.js";
import { MISSING, keyAt } from "../log/keys.js";
import { KeyIndex } from "../dataset/vocabulary/key-index.js";
import { splitCells } from "../dataset/multi.js";
import { requireColumn } from "../dataset/roles.js";
import { parseSide, readSide, type SideTable } from "../dataset/side.js";
import { rowsOf } from "../embedding/table.js";
import { excerpt, UsageError } from "../errors.js";
import { openLog } from "../log/open.js";
import { listedKeys } from "../training/capabilities/listed-keys.js";
import { sideReading } from "../training/reading/read-dataset.js";
import type { OpenTable } from "./tables.js";

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

/** The names of a field's keys; it remembers which keys it was asked for. */
export class KeyNames {
  readonly #nameOf: (key: string) => string | undefined;
  readonly #shown = new Set<string>();
  readonly #nameless = new Set<string>();

  /**
   * @param field as it was named: `item` is the column in this role
   * @param path of the file
   */
  constructor(
    readonly field: string,
    readonly path: string,
    readonly column: string,
    nameOf: (key: string) => string | undefined,
  ) {
    this.#nameOf = nameOf;
  }

  /** A row with what its key is called; without a name where the file has none. */
  called<T extends { key: string }>(row: T): T & { name?: string } {
    const name = this.#nameOf(row.key);
    this.#shown.add(row.key);
    if (name === undefined) this.#nameless.add(row.key);
    return { ...row, name };
  }

  /** What the file lacks of the keys that were asked for; undefined where it has all. */
  note(): string | undefined {
    const [missing, shown] = [this.#nameless.size, this.#shown.size];
    if (shown === 0)
      return `--names: '${this.path}' has names for field ${excerpt(this.field)}, but no key of that field is shown`;
    return missing === 0
      ? undefined
      : `--names: '${this.path}' has no '${this.column}' for ${missing} of ${shown} keys: ${listedKeys([...this.#nameless])}`;
  }
}

/**
 * Reads a file of names.
 *
 * @param names FILE:FIELD[=KEY]:COLUMN
 * @throws {UsageError} of another form, or the table has no such field, or the file no such column
 * @throws {DataError} a key stands in the file twice
 */
export async function readKeyNames(opened: OpenTable, names: string, threads: number): Promise<KeyNames> {
  const colon = names.lastIndexOf(":");
  const [file, column] = [names.slice(0, Math.max(0, colon)), names.slice(colon + 1)];
  if (!/.:./su.test(file) || column === "")
    throw new UsageError(
      "--names expects FILE:FIELD:COLUMN, such as items.csv:item_id:title, or FILE:FIELD=KEY:COLUMN if the " +
        `key column has another name, got '${names}'`,
    );
  const { side, field } = await readLabels(opened, file, { "--names": column }, threads, "--names");
  return new KeyNames(field, side.path, column, cellsByKey(side, column));
}
