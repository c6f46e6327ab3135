// npz: arrays `key` (fixed-width text) and `value` (f32[rows, dim]), with weights also `weight` (f32[rows]), uncompressed.
//
// Keys are of numpy's type `<U`, never objects: readers such as FuxiCTR's load them without pickle. Every key takes the room of
// the longest, four bytes a character, so the size is checked before anything is written. Holes of --row-order are left out.
// Sources: numpy.lib.format; the zip container is fflate's.

import { Zip, ZipPassThrough } from "fflate";
import { DataError, excerpt, sizeText } from "../errors.js";
import { isHole } from "../embedding/table.js";
import { npyHead } from "./npy-head.js";
import { oneKeyBytes, type Selection } from "./selection.js";
import { numWords } from "./words.js";

/** What a zip file without 64-bit extensions can hold. */
const MAX_BYTES = 0xffffffff;
const ROWS_AT_A_TIME = 4096;

/** The bytes of the file. @throws {DataError} it would not fit 4 GiB */
export function npzChunks(selection: Selection): Generator<Uint8Array> {
  const { table, weights } = selection;
  const numRows = numWords(selection);
  const { width, longest } = longestKey(selection);
  const bytes = numRows * (4 * width + 4 * table.dim + (weights ? 4 : 0));
  if (bytes > MAX_BYTES - 4096) {
    throw new DataError(
      `${numRows} keys of ${width} characters each, the longest one's ${excerpt(longest)}, and their vectors take ` +
        `${sizeText(bytes)}, a npz file at most 4: leave long keys out with --keys, or take --format npy`,
    );
  }
  return zipped([
    ["key.npy", npyHead(`<U${width}`, [numRows]), keyChunks(selection, width)],
    ["value.npy", npyHead("<f4", [numRows, table.dim]), numberChunks(selection, table.vectors, table.dim)],
    ...(weights
      ? [["weight.npy", npyHead("<f4", [numRows]), numberChunks(selection, weights, 1)] as const]
      : []),
  ]);
}

function* zipped(
  files: readonly (readonly [name: string, head: Uint8Array, chunks: Iterable<Uint8Array>])[],
): Generator<Uint8Array> {
  let ready: Uint8Array[] = [];
  const zip = new Zip((error, chunk) => {
    if (error) throw error;
    ready.push(chunk);
  });
  const taken = (): Uint8Array[] => {
    const chunks = ready;
    ready = [];
    return chunks;
  };
  for (const [name, head, chunks] of files) {
    const file = new ZipPassThrough(name);
    // the same bytes at any time
    file.mtime = new Date(1980, 0, 1);
    zip.add(file);
    file.push(head);
    for (const chunk of chunks) {
      file.push(chunk);
      yield* taken();
    }
    file.push(new Uint8Array(), true);
  }
  zip.end();
  yield* taken();
}

/** The most characters (code points) that a key has; 1 at least, as numpy has it. */
function longestKey(selection: Selection): { width: number; longest: string } {
  let [width, longest] = [1, ""];
  for (let row = selection.first; row < selection.last; row++) {
    const key = oneKeyBytes(selection, row);
    if (key.at(-1) === 0)
      throw new DataError(
        `key ${excerpt(Buffer.from(key).toString("utf8"))} ends in NUL, which numpy's text does not keep: take --format npy`,
      );
    // a character has a byte at least
    if (key.length <= width) continue;
    const text = Buffer.from(key).toString("utf8");
    const length = Array.from(text).length;
    if (length > width) [width, longest] = [length, text];
  }
  return { width, longest };
}

/** Keys as u32 code points, padded with zeros to `width`. */
function* keyChunks(selection: Selection, width: number): Generator<Uint8Array> {
  const { table, first, last } = selection;
  let points: number[] = [];
  for (let row = first; row < last; row++) {
    if (!isHole(table, row)) {
      const text = Array.from(Buffer.from(oneKeyBytes(selection, row)).toString("utf8"));
      for (let i = 0; i < width; i++) points.push(text[i]?.codePointAt(0) ?? 0);
    }
    if (points.length >= ROWS_AT_A_TIME * 16 || row + 1 === last) {
      yield new Uint8Array(Uint32Array.from(points).buffer);
      points = [];
    }
  }
}

function* numberChunks(
  { table, first, last }: Selection,
  numbers: Float32Array,
  perRow: number,
): Generator<Uint8Array> {
  // runs of rows between holes
  for (let from = first; from < last;) {
    if (isHole(table, from)) {
      from++;
      continue;
    }
    let to = from + 1;
    while (to < last && to - from < ROWS_AT_A_TIME && !isHole(table, to)) to++;
    yield new Uint8Array(numbers.buffer, numbers.byteOffset + 4 * from * perRow, 4 * (to - from) * perRow);
    from = to;
  }
}
