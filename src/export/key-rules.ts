// Rules for keys that a format, or the programs that read it, cannot represent. Each rule has a name and a line for the
// help.
//
//   replaced   characters that become `_`; it is an error if a key then equals another, and with --strict every
//              replacement is an error
//   refused    an error before anything is written, which names the key
//
// All other keys are represented exactly. Sources: StarSpace's initFromTsv, which splits at blanks too; RecBole's
// reader, which is pandas' with its quotes and its words for missing values; numpy's `<U`; PostgreSQL's text;
// Elasticsearch's ids.

import { DataError, excerpt } from "../base/errors.js";
import { isHole } from "../table/table.js";
import { checkKeys, oneKeyBytes, type Selection, nameBytes, type ExportBatch } from "./selection.js";

export interface KeyRule {
  /** one-line description for the help and the documentation; its subject is "keys" */
  summary: string;
  /** global regular expression of the characters that are replaced by `_` */
  replaced?: RegExp;
  /** returns the reason why the bytes of a key cannot be represented; undefined if they can */
  refused?: (key: Uint8Array) => string | undefined;
}

const MAX_ID_BYTES = 512;
const NUL = 0;

// words that pandas reads as missing values
const MISSING_WORDS = new Set(
  "#N/A,#N/A N/A,#NA,-1.#IND,-1.#QNAN,-NaN,-nan,1.#IND,1.#QNAN,<NA>,N/A,NA,NULL,NaN,None,n/a,nan,null".split(
    ",",
  ),
);
const LONGEST_MISSING_WORD = Math.max(...[...MISSING_WORDS].map((word) => word.length));

export type ReplacingRule = KeyRule & Required<Pick<KeyRule, "replaced">>;

/** Rule for formats that write keys unchanged. */
export const exact: KeyRule = { summary: "written exactly" };

/**
 * Rule for words separated by white space: that of Unicode, and the control characters that Python treats as white
 * space.
 */
export const words: ReplacingRule = {
  summary: "whitespace is replaced by _",
  // oxlint-disable-next-line no-control-regex
  replaced: /[\s\u0085\u001c-\u001f]/g,
};

/** Rule for cells that are separated by tabs and not quoted. */
export const cells: ReplacingRule = {
  summary: "tabs and line ends are replaced by _",
  replaced: /[\t\n\r]/g,
};

/** Rule for cells of StarSpace, which splits at blanks as well as tabs. */
export const starspaceCells: ReplacingRule = {
  summary: "blanks, tabs and line ends are replaced by _",
  replaced: /[ \t\n\r]/g,
};

/** Rule for cells of RecBole, whose reader gives quotes and some words a meaning. */
export const recboleCells: ReplacingRule = {
  summary: "tabs, line ends and a leading quote are replaced by _; NA, null, None and similar are errors",
  replaced: /^"|[\t\n\r]/g,
  refused: (key) => {
    if (key.length > LONGEST_MISSING_WORD || !MISSING_WORDS.has(Buffer.from(key).toString("latin1")))
      return undefined;
    return "is read as a missing value by RecBole";
  },
};

/** Rule for numpy's text of fixed width, which is padded with NUL. */
export const numpyText: KeyRule = {
  summary:
    "keys that end in NUL are errors; every key takes the space of the longest one, and files are " +
    "limited to 4 GiB",
  refused: (key) => (key.at(-1) === NUL ? "ends in NUL, which numpy strings do not keep" : undefined),
};

export const postgresText: KeyRule = {
  summary: "keys with NUL are errors",
  refused: (key) => (key.includes(NUL) ? "contains NUL, which PostgreSQL text cannot store" : undefined),
};

export const onnxText: KeyRule = {
  summary: "keys with NUL are errors",
  refused: (key) => (key.includes(NUL) ? "contains NUL, which ends a string in onnxruntime-web" : undefined),
};

export const elasticsearchId: KeyRule = {
  summary: `ids (field, colon and key) longer than ${MAX_ID_BYTES} bytes of UTF-8 are errors`,
  refused: (key) =>
    key.length > MAX_ID_BYTES
      ? `has ${key.length} bytes, Elasticsearch ids are limited to ${MAX_ID_BYTES}`
      : undefined,
};

/**
 * Checks keys that are written unchanged; `checkedWords` checks those that are modified. Makes a pass over the keys if
 * there is something to check; memory holds the keys of fields whose names begin with another field's name and a colon.
 *
 * @throws {DataError} a key cannot be represented, or two fields have the same `field:key`
 */
export async function checkHeld(
  selection: Selection,
  { keys: rule, oneKeyColumn }: { keys: KeyRule; oneKeyColumn: boolean },
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
interface Words {
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
    return Buffer.from(keyText(key).replaceAll(replaced, "_"));
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
