// What keys are called: the file of --names, a row a key, and what it lacks of the keys that were shown.

import { excerpt, UsageError } from "../errors.js";
import { listedKeys } from "../training/capabilities/listed-keys.js";
import { cellsByKey, readLabels } from "./evaluate/labels/label-file.js";
import type { OpenTable } from "./tables.js";

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
