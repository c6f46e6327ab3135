// Encodes rows with one key per field to features. The rows are divided into rounds, which several threads execute.

import { MISSING } from "../log/keys.js";

/** Number of rows that are encoded together; the features of 16 fields occupy 64 KB. */
const ROWS_IN_CACHE = 1024;
export const ROWS_OF_ROUND = 8 * ROWS_IN_CACHE;

/** Columns and rows to encode, and for each column the id of each code of its dictionary. */
export interface Encoding {
  fields: readonly {
    /** code of each row's key, u32[numRows of the dataset] */
    codes: Uint32Array;
    /** u32: for each code of the column's dictionary, the key's id within its field */
    ids: Uint32Array;
    /** number of the feature with id 0 in the field; the field's other features follow */
    offset: number;
  }[];
  /** u32: indexes of the rows to encode */
  rows: Uint32Array;
}

/** Input and output of the encoding, which all threads share; the large arrays are in shared memory. */
interface EncodingRounds extends Encoding {
  /** output: features of the rows, u32[rows.length][fields.length] */
  features: Uint32Array;
  /** u32[1]: set to 1 if a cell is empty, which makes the features invalid */
  hasEmpty: Uint32Array;
}

/** Called once in each thread. @returns a function that encodes the ROWS_OF_ROUND rows from r * ROWS_OF_ROUND on */
export function start({ features, hasEmpty, ...encoding }: EncodingRounds): (round: number) => void {
  return (round) => {
    if (hasEmpty[0] === 1) return;
    const first = round * ROWS_OF_ROUND;
    const last = Math.min(encoding.rows.length, first + ROWS_OF_ROUND);
    if (!encodeRows(encoding, features, first, last)) hasEmpty[0] = 1;
  };
}

/** Writes the features of the rows in [first, last). @returns false if a cell is empty */
export function encodeRows(
  { fields, rows }: Encoding,
  features: Uint32Array,
  first: number,
  last: number,
): boolean {
  const width = fields.length;
  // encodes field by field within blocks of rows, so that the block's features remain in the cache
  for (let from = first; from < last; from += ROWS_IN_CACHE) {
    const block = rows.subarray(from, Math.min(last, from + ROWS_IN_CACHE));
    for (let f = 0; f < width; f++)
      if (!putField(fields[f]!, block, features, from * width + f, width)) return false;
  }
  return true;
}

/** Writes one field's features to the positions at, at + width, ... @returns false if a cell is empty */
function putField(
  { codes, ids, offset }: Encoding["fields"][number],
  rows: Uint32Array,
  features: Uint32Array,
  at: number,
  width: number,
): boolean {
  for (let i = 0; i < rows.length; i++) {
    const code = codes[rows[i]!]!;
    if (code === MISSING) return false;
    features[at + i * width] = offset + ids[code]!;
  }
  return true;
}
