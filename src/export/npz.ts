// npz: arrays `key` (fixed-width text) and `value` (f32[rows, dim]), with weights also `weight` (f32[rows]), of i8 `scale` (f32[rows]), uncompressed.
//
// Keys are of numpy's type `<U`, never objects: readers such as FuxiCTR's load them without pickle. Every key takes the room of
// the longest, four bytes a character, so the size is checked before anything is written. Holes of --row-order are left out.
// Sources: numpy.lib.format; the zip container is fflate's.

import { Zip, ZipPassThrough } from "fflate";
import { DataError, excerpt, sizeText } from "../errors.js";
import { isHole, type RowRange } from "../embedding/table.js";
import { dtypeNames, encoded, type Encoded } from "./dtype.js";
import { npyHead } from "./npy-head.js";
import type { Chunks } from "../io/write.js";
import { bytesOf, checkKeys, oneKeyBytes, type Batch, type Selection } from "./selection.js";

/** What a zip file without 64-bit extensions can hold. */
const MAX_BYTES = 0xffffffff;
const ROWS_AT_A_TIME = 4096;
const CHARACTERS_AT_A_TIME = 1 << 22;

/** The bytes of the file. @throws {DataError} it would not fit 4 GiB */
export async function* npzChunks(selection: Selection): AsyncGenerator<Uint8Array> {
  const { dim, hasWeights, dtype = "f32" } = selection;
  const isScaled = dtype === "i8";
  const { width, longest, numRows } = await longestKey(selection);
  const bytes =
    numRows * (4 * width + dtypeNames[dtype].bytes * dim + (hasWeights ? 4 : 0) + (isScaled ? 4 : 0));
  if (bytes > MAX_BYTES - 4096) {
    throw new DataError(
      `${numRows} keys of ${width} characters each, the longest one's ${excerpt(longest)}, and their vectors take ` +
        `${sizeText(bytes)}, a npz file at most 4: leave long keys out with --keys, or take --format npy`,
    );
  }
  yield* zipped([
    ["key.npy", npyHead(`<U${width}`, [numRows]), keyChunks(selection, width)],
    [
      "value.npy",
      npyHead(dtypeNames[dtype].numpy, [numRows, dim]),
      numberChunks(selection, dim, ({ table }) => encoded(table.vectors, dim, dtype).values),
    ],
    ...(isScaled
      ? [
          [
            "scale.npy",
            npyHead("<f4", [numRows]),
            numberChunks(selection, 1, ({ table }) => encoded(table.vectors, dim, dtype).scales!),
          ] as const,
        ]
      : []),
    ...(hasWeights
      ? [
          [
            "weight.npy",
            npyHead("<f4", [numRows]),
            numberChunks(selection, 1, ({ weights }) => weights!),
          ] as const,
        ]
      : []),
  ]);
}

async function* zipped(
  files: readonly (readonly [name: string, head: Uint8Array, chunks: Chunks])[],
): AsyncGenerator<Uint8Array> {
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
    for await (const chunk of chunks) {
      file.push(chunk);
      yield* taken();
    }
    file.push(new Uint8Array(), true);
  }
  zip.end();
  yield* taken();
}

/** The most characters (code points) that a key has; 1 at least, as numpy has it. And how many keys there are. */
async function longestKey(
  selection: Selection,
): Promise<{ width: number; longest: string; numRows: number }> {
  let [width, longest, numRows] = [1, "", 0];
  await checkKeys(selection, (batch, row) => {
    if (isHole(batch.table, row)) return;
    numRows++;
    const key = oneKeyBytes(batch, row);
    // a character has a byte at least
    if (key.length <= width) return;
    const text = Buffer.from(key).toString("utf8");
    const length = Array.from(text).length;
    if (length > width) [width, longest] = [length, text];
  });
  return { width, longest, numRows };
}

/** Keys as u32 code points, padded with zeros to `width`. */
async function* keyChunks(selection: Selection, width: number): AsyncGenerator<Uint8Array> {
  for await (const batch of selection.batches({ vectors: false })) {
    for (const { first, last } of runsOfRows(batch, Math.floor(CHARACTERS_AT_A_TIME / width))) {
      const points = new Uint32Array((last - first) * width);
      for (let row = first; row < last; row++) {
        const text = Buffer.from(oneKeyBytes(batch, row)).toString("utf8");
        let at = (row - first) * width;
        for (const character of text) points[at++] = character.codePointAt(0)!;
      }
      yield bytesOf(points);
    }
  }
}

/** @param of an array of `perRow` numbers a row */
async function* numberChunks(
  selection: Selection,
  perRow: number,
  of: (batch: Batch) => Encoded["values"],
): AsyncGenerator<Uint8Array> {
  for await (const batch of selection.batches()) {
    const numbers = of(batch);
    for (const { first, last } of runsOfRows(batch))
      yield bytesOf(numbers.subarray(first * perRow, last * perRow));
  }
}

/** Rows between holes. */
function* runsOfRows({ table }: Batch, atMost = ROWS_AT_A_TIME): Generator<RowRange> {
  const most = Math.min(ROWS_AT_A_TIME, Math.max(1, atMost));
  for (let first = 0; first < table.numRows;) {
    if (isHole(table, first)) {
      first++;
      continue;
    }
    let last = first + 1;
    while (last < table.numRows && last - first < most && !isHole(table, last)) last++;
    yield { first, last };
    first = last;
  }
}
