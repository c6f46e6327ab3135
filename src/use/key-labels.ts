// Reads files with one row per key of a field: labels of keys (--labels), and names of keys (--names). Reports shown
// keys without a name.

import { cellsBesideLog } from "../training/reading/open-as-trained.js";
import { MISSING, keyAt } from "../log/keys.js";
import { KeyIndex } from "../dataset/vocabulary/key-index.js";
import { splitCells } from "../dataset/multi.js";
import { requireColumn } from "../dataset/roles.js";
import { parseSide, readSide, type SideTable } from "../dataset/side.js";
import { rowsOf } from "../table/table.js";
import { excerpt, UsageError } from "../base/errors.js";
import { openLog } from "../log/open.js";
import { listedKeys } from "../training/capabilities/folded-keys.js";
import { sideReading } from "../training/reading/read-dataset.js";
import type { OpenTable } from "./tables.js";

const SEPARATOR = "|";

/**
 * Reads a file of labels for the keys of a field. Returns it with the field's name, as the user wrote it.
 *
 * @param labels  FILE:FIELD[=COLUMN]
 * @param columns name of the column that each option requests, by option; undefined if the option is not set
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
  // if the file has no column named `item`, this name denotes the run's item column, such as item_id
  const column = sideKey === key && !log.columns.includes(key) ? first.fieldNamed(key) : sideKey;
  for (const [asking, name] of Object.entries(columns))
    if (name !== undefined) requireColumn(asking, name, log.columns);
  const side = await readSide(log, path, key, column, flag);
  for (const name of Object.values(columns))
    if (name === column) throw new UsageError(`column '${name}' is the key of ${flag}, not a label`);
  return { side, field: key };
}

/** Returns a function that returns the cell of a key; undefined if the file lacks the key or the cell is empty. */
export function cellsByKey(
  { columns, keys }: SideTable,
  column: string,
  index = new KeyIndex(keys),
): (key: string) => string | undefined {
  const { codes, dictionary } = columns.find(({ name }) => name === column)!;
  return (key) => {
    const row = index.findText(key);
    // an empty cell has a code beyond the dictionary
    return row >= 0 && codes[row]! < dictionary.size ? keyAt(dictionary, codes[row]!) : undefined;
  };
}

/** Splits the cells of a column, such as `a|b`, into labels. Returns their names, and the indices for each row. */
export function labelsIn(side: SideTable, column: string) {
  const { codes, dictionary } = side.columns.find(({ name }) => name === column)!;
  const cells = splitCells(column, codes, dictionary, { separator: SEPARATOR });
  return {
    names: cells.dictionary,
    /** returns the indices of the labels of a row; none for an empty cell */
    labelsOfRow: (row: number): Uint32Array => {
      const code = codes[row]!;
      return code === MISSING
        ? new Uint32Array()
        : cells.values.subarray(cells.indptr[code], cells.indptr[code + 1]);
    },
  };
}

/** Names of the keys of a field. The object records which keys were looked up, and which of them have no name. */
export class KeyNames {
  readonly #shown = new Set<string>();
  readonly #nameless = new Set<string>();

  /** @param field name of the field as the user wrote it: a column name, or `item` for the column with that role */
  constructor(
    readonly field: string,
    readonly path: string,
    readonly column: string,
    private readonly nameOf: (key: string) => string | undefined,
  ) {}

  /** Returns a copy of a row with the name of its key, which is undefined if the file has none. */
  called<T extends { key: string }>(row: T): T & { name?: string } {
    const name = this.nameOf(row.key);
    this.#shown.add(row.key);
    if (name === undefined) this.#nameless.add(row.key);
    return { ...row, name };
  }

  note(): string | undefined {
    const [missing, shown] = [this.#nameless.size, this.#shown.size];
    if (shown === 0)
      return `--names: '${this.path}' has names for field ${excerpt(this.field)}, but no key of that field is shown`;
    return missing === 0
      ? undefined
      : `--names: '${this.path}' has no '${this.column}' for ${missing} of ${shown} keys: ${listedKeys([...this.#nameless])}`;
  }
}

/** Reads a file of names. @param names FILE:FIELD[=KEY]:COLUMN */
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
