// Files that say which items may stand in lists, and who gets them: --items, --users, --candidates.

import { MISSING, selectKeys, type Keys } from "../../log/keys.js";
import { keyColumn } from "../../dataset/item-fields.js";
import { UsageError } from "../../errors.js";
import type { Watch } from "../../training/session/watch.js";
import { openKeysAsTrained, type HowKeysRead } from "../../training/reading/open-as-trained.js";
import type { RecallOptions } from "./options.js";

/** Keys of a file, each once, and what its columns say of them. */
export interface ListedKeys {
  keys: Keys;
  /** by name of a column: u32[keys.size], codes of its dictionary; MISSING for an empty cell */
  columns: Map<string, { codes: Uint32Array; dictionary: Keys }>;
}

/**
 * Reads a file of keys.
 *
 * @param flag    that names it, for messages
 * @param key     the column of the keys
 * @param columns others that are looked at
 * @throws {UsageError} a column is not there, or says two things of one key
 */
export async function readListed(
  flag: string,
  path: string,
  key: string,
  columns: readonly string[],
  how: HowKeysRead,
  { where = [], reading, hashKeys }: Pick<RecallOptions, "where" | "reading" | "hashKeys">,
  watch: Watch,
): Promise<ListedKeys> {
  const fields = [key, ...columns.filter((name) => name !== key)];
  const dataset = await openKeysAsTrained([path], { fields, where }, how, { reading, hashKeys }, watch);
  const { codes, dictionary } = keyColumn(dataset, key);
  const rowOf = new Int32Array(dictionary.size).fill(-1);
  const others = columns.map((name) => ({ name, column: keyColumn(dataset, name) }));
  codes.forEach((code, row) => {
    if (code === MISSING) return;
    const earlier = rowOf[code]!;
    if (earlier < 0) rowOf[code] = row;
    else
      for (const { name, column } of others)
        if (column.codes[row] !== column.codes[earlier])
          throw new UsageError(
            `${flag} '${path}': ${key} '${textOf(dictionary, code)}' occurs twice with different values of ` +
              `'${name}'`,
          );
  });
  // the dictionary may hold keys of rows that --where leaves out
  const kept = Uint32Array.from(rowOf.keys()).filter((code) => rowOf[code]! >= 0);
  if (kept.length === 0)
    throw new UsageError(
      `${flag} '${path}' has no ${key}${where.length > 0 ? ": --where matches no row" : ""}`,
    );
  return {
    keys: selectKeys(dictionary, kept),
    columns: new Map(
      others.map(({ name, column }) => [
        name,
        {
          codes: kept.map((code) => column.codes[rowOf[code]!]!),
          dictionary: column.dictionary,
        },
      ]),
    ),
  };
}

function textOf({ bytes, offsets }: Keys, key: number): string {
  return Buffer.from(bytes.subarray(offsets[key], offsets[key + 1])).toString("utf8");
}
