// Encodes columns in memory as the bytes of Parquet pages. Numbers have the same layout in a page and in an array, so
// they are not copied.
//
//   PLAIN            numbers little-endian; texts as length (u32) and UTF-8
//   RLE_DICTIONARY   the width of an index in bits (u8), then indices as runs: of one value (varint 2n, then the value
//                    in whole bytes), or packed (varint 2g + 1, then g times 8 of them, lowest bits first)
//   levels           runs of width 1 after their length in bytes (u32): a list of `perRow` numbers in each row starts
//                    where a repetition level is 0 and continues where it is 1; nothing is missing, so every definition
//                    level is 1
//
// Source: parquet-format, Encodings.md (PLAIN; RLE / bit-packing hybrid; dictionary) and README.md (data pages, nested
// encoding).

import { encodeKeys, type Keys } from "../../log/keys.js";
import { byteView } from "../selection.js";

/** A column of few distinct texts: the text of a row is names[codes[row]]. */
export interface Coded {
  names: readonly string[];
  codes: Uint32Array;
}

/**
 * The values of a column in a row group: texts, or numbers in an array of one of the types that parquet-table.ts maps
 * to Parquet.
 */
export type ColumnValues = Keys | Coded | Uint32Array | Float32Array | Float64Array | Uint16Array | Int8Array;

/** The encoded values of a column. */
export interface ColumnEncoding {
  numValues: number;
  /** approximate number of bytes of all values */
  numBytes: number;
  /** the dictionary, in Parquet's encoding PLAIN, if the values are indices into a dictionary */
  dictionary?: { numValues: number; bytes: Uint8Array };
  /** Returns the bytes of the values first .. last - 1, possibly as a view. */
  bytes: (first: number, last: number) => Uint8Array;
}

/** Chooses the encoding by the type of the array. */
export function encodingOf(values: ColumnValues): ColumnEncoding {
  if ("codes" in values) return codedTexts(values);
  if ("offsets" in values) return plainTexts(values);
  if (values.BYTES_PER_ELEMENT === 1) return codedBytes(values);
  const bytes = (first: number, last: number): Uint8Array => byteView(values.subarray(first, last));
  return { numValues: values.length, numBytes: values.byteLength, bytes };
}

function plainTexts({ size, bytes, offsets }: Keys): ColumnEncoding {
  return {
    numValues: size,
    numBytes: bytes.length + 4 * size,
    bytes(first, last) {
      const out = new Uint8Array(4 * (last - first) + offsets[last]! - offsets[first]!);
      const view = new DataView(out.buffer);
      let at = 0;
      for (let row = first; row < last; row++) {
        const [start, end] = [offsets[row]!, offsets[row + 1]!];
        view.setUint32(at, end - start, true);
        at += 4;
        // keys are short, so a loop over bytes is faster than creating a view of each key
        for (let i = start; i < end; i++) out[at++] = bytes[i]!;
      }
      return out;
    },
  };
}

/** Encodes names by a dictionary. Rows with the same name are consecutive, so all runs repeat one value. */
function codedTexts({ names, codes }: Coded): ColumnEncoding {
  // one name would need only 0 bits, but readers may not support a width of 0
  const width = Math.max(1, Math.ceil(Math.log2(names.length)));
  return {
    numValues: codes.length,
    numBytes: codes.length,
    dictionary: { numValues: names.length, bytes: plainTexts(encodeKeys(names)).bytes(0, names.length) },
    bytes(first, last) {
      const out = [width];
      for (let start = first; start < last;) {
        let end = start + 1;
        while (end < last && codes[end] === codes[start]) end++;
        out.push(...runOf(codes[start]!, end - start, width));
        start = end;
      }
      return Uint8Array.from(out);
    },
  };
}

/**
 * Encodes i8 by a dictionary of -128 .. 127 with indices of one byte; in PLAIN, Parquet would store each i8 as an INT32
 * of four bytes.
 */
function codedBytes(values: ArrayLike<number>): ColumnEncoding {
  const all = Int32Array.from({ length: 256 }, (_, i) => i - 128);
  return {
    numValues: values.length,
    numBytes: values.length,
    dictionary: { numValues: all.length, bytes: byteView(all) },
    bytes(first, last) {
      const groups = Math.ceil((last - first) / 8);
      const head = [8, ...varint(2 * groups + 1)];
      const out = new Uint8Array(head.length + 8 * groups);
      out.set(head);
      for (let i = first; i < last; i++) out[head.length + i - first] = values[i]! + 128;
      return out;
    },
  };
}

/**
 * Returns the repetition and definition levels of lists, which precede the values in a page.
 *
 * @param perRow number of elements of each list, >= 1
 */
export function listLevels(numRows: number, perRow: number): Uint8Array {
  const numValues = numRows * perRow;
  const groups = Math.ceil(numValues / 8);
  const repetition = new Uint8Array(groups).fill(0xff);
  for (let i = 0; i < numValues; i += perRow) repetition[i >>> 3]! &= ~(1 << (i & 7));
  const definition = runOf(1, numValues, 1);
  const head = varint(2 * groups + 1);
  return Buffer.concat([
    u32(head.length + groups),
    Uint8Array.from(head),
    repetition,
    u32(definition.length),
    Uint8Array.from(definition),
  ]);
}

/** Encodes a run that repeats one value. */
function runOf(value: number, length: number, width: number): number[] {
  const bytes = Array.from({ length: Math.ceil(width / 8) }, (_, i) => (value >>> (8 * i)) & 0xff);
  return [...varint(2 * length), ...bytes];
}

/** Encodes a varint: seven bits per byte, lowest bits first. @param value an integer below 2^31 */
function varint(value: number): number[] {
  const bytes = [];
  for (; value > 127; value >>>= 7) bytes.push((value & 127) | 128);
  return [...bytes, value];
}

function u32(value: number): Uint8Array {
  return byteView(Uint32Array.of(value));
}
