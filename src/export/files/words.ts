// Keys as words of formats that cannot hold every character: what they cannot hold becomes `_`, and keys stay distinct.

import { DataError, excerpt } from "../../errors.js";
import { isHole } from "../../embedding/table.js";
import type { ReplacingRule } from "../key-rules.js";
import { checkKeys, nameBytes, oneKeyBytes, type Batch, type Selection } from "../selection.js";

const QUOTE = 34;

/** What names rows in a format of words. */
export interface Words {
  word: (batch: Batch, row: number) => Uint8Array;
  /** rows that have one: all but holes */
  numWords: number;
}

/**
 * Checks the keys of all rows before the first byte is written, and says how each is written.
 *
 * A numeric field's row, whose key is empty, is called like its field; holes of --row-order have no word. Memory holds the keys
 * that are changed.
 *
 * @param rule what the format cannot hold, of visible ASCII a quote at the start alone
 * @throws {DataError} two keys become the same, or under strict a key has to be changed
 */
export async function checkedWords(selection: Selection, { replaced }: ReplacingRule): Promise<Words> {
  const word = (batch: Batch, row: number): Uint8Array => {
    const key = nameBytes(batch, row);
    // most keys are visible ASCII and need no string
    if (key[0] !== QUOTE && isVisibleAscii(key)) return key;
    return Buffer.from(Buffer.from(key).toString("utf8").replaceAll(replaced, "_"));
  };
  return { word, numWords: await checkWords(selection, word) };
}

function isVisibleAscii(key: Uint8Array): boolean {
  for (let i = 0; i < key.length; i++) if (key[i]! <= 32 || key[i]! >= 127) return false;
  return true;
}

/**
 * Only a key that is changed can meet another, or one of a field whose name holds a colon; so only those are remembered.
 *
 * @returns how many rows have a word
 */
async function checkWords(selection: Selection, word: Words["word"]): Promise<number> {
  const { strict, field } = selection;
  const colon = selection.fields.map((name) => field === undefined && name.includes(":"));
  const textOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString("utf8");
  // word written -> key that it stands for
  const remembered = new Map<string, string>();
  const isRemembered = (batch: Batch, row: number, original: Uint8Array, written: Uint8Array): boolean =>
    colon[batch.table.fieldOf[row]!]! || Buffer.compare(original, written) !== 0;
  const checkClash = (written: string, original: string): void => {
    const other = remembered.get(written);
    if (other === undefined) return;
    throw new DataError(
      `keys ${excerpt(other)} and ${excerpt(original)} are both written as ${excerpt(written)}: use a format ` +
        "that writes keys exactly (csv, jsonl, npy)",
    );
  };
  let numWords = 0;
  await checkKeys(selection, (batch, row) => {
    if (isHole(batch.table, row)) return;
    numWords++;
    const original = oneKeyBytes(batch, row);
    const written = word(batch, row);
    if (strict && Buffer.compare(original, written) !== 0)
      throw new DataError(
        `key ${excerpt(textOf(original))} cannot be written exactly: --strict does not allow replacing it by ` +
          excerpt(textOf(written)),
      );
    if (!isRemembered(batch, row, original, written)) return;
    checkClash(textOf(written), textOf(original));
    remembered.set(textOf(written), textOf(original));
  });
  if (remembered.size === 0) return numWords;
  await checkKeys(selection, (batch, row) => {
    if (isHole(batch.table, row)) return;
    const original = oneKeyBytes(batch, row);
    if (!isRemembered(batch, row, original, word(batch, row))) checkClash(textOf(original), textOf(original));
  });
  return numWords;
}
