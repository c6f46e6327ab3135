// Keys as words of formats that cannot hold every character: what they cannot hold becomes `_`, and keys stay distinct.

import { DataError, excerpt } from "../errors.js";
import { isHole } from "../embedding/table.js";
import { oneKeyBytes, type Selection } from "./selection.js";

// what readers split or strip at: Unicode's white space, and the controls that Python counts among it
// oxlint-disable-next-line no-control-regex
export const WHITE_SPACE = /[\s\u0085\u001c-\u001f]/g;

/** What ends a cell or a line of tab-separated text that knows no quotes. */
export const TAB_OR_LINE_END = /[\t\n\r]/g;

/**
 * Checks the keys of all rows before the first byte is written, and says how each is written.
 *
 * A numeric field's row, whose key is empty, is called like its field; holes of --row-order have no word.
 *
 * @param unholdable what the format cannot hold, a global expression that matches nothing in 33 .. 126
 * @throws {DataError} two keys become the same, or under strict a key has to be changed
 */
export function checkedWords(selection: Selection, unholdable: RegExp): (row: number) => Uint8Array {
  const word = (row: number): Uint8Array => {
    const key = oneKeyBytes(selection, row);
    if (key.length === 0) return Buffer.from((selection.field ?? "").replaceAll(unholdable, "_") || "_");
    // most keys are visible ASCII and need no string
    if (key.every((byte) => byte > 32 && byte < 127)) return key;
    return Buffer.from(Buffer.from(key).toString("utf8").replaceAll(unholdable, "_"));
  };
  checkWords(selection, word);
  return word;
}

/** How many rows have a word: all but holes. */
export function numWords({ first, last, table }: Selection): number {
  let count = 0;
  for (let row = first; row < last; row++) count += isHole(table, row) ? 0 : 1;
  return count;
}

/** Only a key that is changed can meet another, or one of a field whose name holds a colon; so only those are remembered. */
function checkWords(selection: Selection, word: (row: number) => Uint8Array): void {
  const { first, last, table, field, strict } = selection;
  const colon = table.fields.map((name) => field === undefined && name.includes(":"));
  const remembered = new Map<string, number>();
  const isChanged = new Uint8Array(last - first);
  const describe = (row: number): string =>
    excerpt(Buffer.from(oneKeyBytes(selection, row)).toString("utf8"));
  const clash = (a: number, b: number, written: string): never => {
    throw new DataError(
      `keys ${describe(a)} and ${describe(b)} are both written as ${excerpt(written)}: ` +
        "export to a format that holds keys exactly (csv, jsonl, npy)",
    );
  };
  for (let row = first; row < last; row++) {
    if (isHole(table, row)) continue;
    const original = oneKeyBytes(selection, row);
    const written = word(row);
    const changed = Buffer.compare(original, written) !== 0;
    if (changed && strict) {
      throw new DataError(
        `key ${describe(row)} cannot be written exactly, and --strict forbids ${excerpt(Buffer.from(written).toString())}`,
      );
    }
    if (!changed && !colon[table.fieldOf[row]!]) continue;
    isChanged[row - first] = 1;
    const text = Buffer.from(written).toString("utf8");
    const other = remembered.get(text);
    if (other !== undefined) clash(other, row, text);
    remembered.set(text, row);
  }
  if (remembered.size === 0) return;
  for (let row = first; row < last; row++) {
    if (isChanged[row - first] || isHole(table, row)) continue;
    const text = Buffer.from(oneKeyBytes(selection, row)).toString("utf8");
    const other = remembered.get(text);
    if (other !== undefined) clash(other, row, text);
  }
}
