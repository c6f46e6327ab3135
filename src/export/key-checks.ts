// Checks keys before the first byte is written: keys that a format cannot represent, and keys that would give two rows
// the same name.

import { DataError, excerpt } from "../errors.js";
import { isHole } from "../embedding/table.js";
import type { ExportFormat } from "./format.js";
import { checkKeys, oneKeyBytes, type Selection, nameBytes, type ExportBatch } from "./selection.js";
import type { ReplacingRule } from "./key-rules.js";

/**
 * Checks keys that are written unchanged; `checkedWords` checks those that are modified. Makes a pass over the keys if
 * there is something to check; memory holds the keys of fields whose names begin with another field's name and a colon.
 *
 * @throws {DataError} a key cannot be represented, or two fields have the same `field:key`
 */
export async function checkHeld(
  selection: Selection,
  { keys: rule, oneKeyColumn }: Pick<ExportFormat, "keys" | "oneKeyColumn">,
): Promise<void> {
  const { fields, field, onnxInput } = selection;
  // a model whose input is row numbers contains no keys, so that keys which the format cannot represent do no harm
  const refused = onnxInput === "row" ? undefined : rule.refused;
  const meets = (name: string, other: string) => name !== other && name.startsWith(`${other}:`);
  // the fields `a` and `a:b` may have the same `field:key`, so the keys of both are compared
  const meeting = fields.map((name) => fields.some((other) => meets(name, other) || meets(other, name)));
  const canMeet = oneKeyColumn && !rule.replaced && field === undefined && meeting.includes(true);
  if (!refused && !canMeet) return;
  const seen = new Set<string>();
  await checkKeys(selection, (batch, row) => {
    if (isHole(batch.table, row)) return;
    const key = oneKeyBytes(batch, row);
    const why = refused?.(key);
    if (why !== undefined)
      throw new DataError(
        `key ${excerpt(keyText(key))} ${why}: exclude it (select keys with --keys), or use a format that ` +
          "writes keys exactly (csv, jsonl, npy)",
      );
    if (!canMeet || !meeting[batch.table.fieldOf[row]!]) return;
    const text = keyText(key);
    if (seen.has(text))
      throw new DataError(
        `keys of two fields are both written as ${excerpt(text)}: export one field with --field, or use a ` +
          "format with a field column (csv, jsonl, arrow)",
      );
    seen.add(text);
  });
}

function keyText(key: Uint8Array): string {
  return Buffer.from(key).toString("utf8");
}

const QUOTE = 34;

/** Names of rows for a format that identifies each row by a word, such as word2vec's. */
export interface Words {
  word: (batch: ExportBatch, row: number) => Uint8Array;
  /** number of rows that have a name; rows without a key have none */
  numWords: number;
}

/**
 * Checks the keys of all rows before the first byte is written, and returns the function that gives each row's name.
 *
 * The row of a numeric field, whose key is empty, has the name of the field; rows that --row-order left without a key
 * have no name. Memory holds the keys that are modified.
 *
 * @param rule rule of the characters that the format cannot represent; the only visible ASCII character among them may
 *   be a quote at the start
 * @throws {DataError} two keys become the same, or with strict a key has to be modified
 */
export async function checkedWords(selection: Selection, { replaced }: ReplacingRule): Promise<Words> {
  const word = (batch: ExportBatch, row: number): Uint8Array => {
    const key = nameBytes(batch, row);
    // most keys consist of visible ASCII characters and need not be decoded
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
 * Two names can be equal only if a key was modified or the name of a field contains a colon, so memory holds only these
 * names.
 *
 * @returns the number of rows with a name
 */
async function checkWords(selection: Selection, word: Words["word"]): Promise<number> {
  const { strict, field } = selection;
  const colon = selection.fields.map((name) => field === undefined && name.includes(":"));
  const keyText = (bytes: Uint8Array): string => Buffer.from(bytes).toString("utf8");
  // the original key, by the name that is written for it
  const remembered = new Map<string, string>();
  const isRemembered = (
    batch: ExportBatch,
    row: number,
    original: Uint8Array,
    written: Uint8Array,
  ): boolean => colon[batch.table.fieldOf[row]!]! || Buffer.compare(original, written) !== 0;
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
        `key ${excerpt(keyText(original))} cannot be written exactly: --strict does not allow replacing it by ` +
          excerpt(keyText(written)),
      );
    if (!isRemembered(batch, row, original, written)) return;
    checkClash(keyText(written), keyText(original));
    remembered.set(keyText(written), keyText(original));
  });
  if (remembered.size === 0) return numWords;
  await checkKeys(selection, (batch, row) => {
    if (isHole(batch.table, row)) return;
    const original = oneKeyBytes(batch, row);
    if (!isRemembered(batch, row, original, word(batch, row)))
      checkClash(keyText(original), keyText(original));
  });
  return numWords;
}
