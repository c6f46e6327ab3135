// npz: arrays `key` (fixed-width text) and `value` (f32[rows, dim]), with weights also `weight` (f32[rows]), for i8
// `scale` (f32[rows]), uncompressed. If several fields are chosen, the arrays are named `FIELD.key`, `FIELD.value` and
// so on. With --reserve the array `reserve` is a JSON text that describes the reserved rows.
//
// Keys have numpy's type `<U`, never objects: readers such as FuxiCTR's load them without pickle. Every key takes the
// space of the longest, four bytes per character, so the size is checked before anything is written. Rows that
// --row-order left without a key are omitted. The rows of --reserve fuxictr, which have no key, get the names of
// FuxiCTR's vocabularies, because it finds every vector by its key. Sources: numpy.lib.format; FuxiCTR's Tokenizer and
// PretrainedEmbedding; the zip container is fflate's.

import { Zip, ZipPassThrough } from "fflate";
import { DataError, excerpt, sizeText } from "../../base/errors.js";
import { isHole, type RowRange } from "../../table/table.js";
import { fileFormat } from "../format.js";
import { numpyText } from "../key-rules.js";
import { dtypeNames, encoded, type Encoded } from "../dtype.js";
import { npyHead } from "./npy.js";
import { reserveFacts } from "../reserve.js";
import type { Chunks } from "../../base/io/write.js";
import { byteView, checkKeys, oneKeyBytes, type ExportBatch, type Selection } from "../selection.js";

/** Maximum number of bytes of a zip file without 64-bit extensions. */
const MAX_BYTES = 0xffffffff;
const ROWS_AT_A_TIME = 4096;
const CHARACTERS_AT_A_TIME = 1 << 22;
const [PADDING, OUT_OF_VOCABULARY] = ["__PAD__", "__OOV__"].map((name) => Buffer.from(name));

export const npz = fileFormat({
  summary: "arrays key and value (numpy, FuxiCTR)",
  oneKeyColumn: true,
  keys: numpyText,
  layers: true,
  takesDtype: true,
  namesReserved: "fuxictr",
  chunks: npzChunks,
});

/** A file of the archive: its name, the bytes before its data, and the chunks of its data. */
type ArchiveFile = readonly [name: string, head: Uint8Array, chunks: Chunks];

/** @throws {DataError} the file would exceed 4 GiB, or a key has the name of a reserved row */
async function* npzChunks(selection: Selection): AsyncGenerator<Uint8Array> {
  const files: ArchiveFile[] = [];
  let bytes = 0;
  for (const layer of selection.layers ?? [selection]) {
    const own = await archiveArrays(layer, selection.layers ? `${layer.field}.` : "");
    bytes += own.bytes;
    if (bytes > MAX_BYTES - 4096)
      throw new DataError(
        `${own.numRows} keys padded to ${own.width} characters (the longest is ${excerpt(own.longest)}) and their ` +
          `vectors need ${sizeText(bytes)}, npz is limited to 4 GiB: exclude long keys with --keys, or use --format npy`,
      );
    files.push(...own.files);
  }
  const facts = reserveFacts(selection);
  if (facts) files.push(textArray("reserve", JSON.stringify(facts)));
  yield* zipped(files);
}

async function archiveArrays(selection: Selection, prefix: string) {
  const { dim, hasWeights, dtype = "f32" } = selection;
  const isScaled = dtype === "i8";
  const { width, longest, numRows } = await longestKey(selection);
  const bytes =
    numRows * (4 * width + dtypeNames[dtype].bytes * dim + (hasWeights ? 4 : 0) + (isScaled ? 4 : 0));
  const numbers = (
    name: string,
    head: Uint8Array,
    perRow: number,
    of: (batch: ExportBatch) => Encoded["values"],
  ): ArchiveFile => [`${prefix}${name}.npy`, head, numberChunks(selection, perRow, of)];
  const column = npyHead("<f4", [numRows]);
  const value = ({ table }: ExportBatch) => encoded(table.vectors, dim, dtype);
  const files: ArchiveFile[] = [
    [`${prefix}key.npy`, npyHead(`<U${width}`, [numRows]), keyChunks(selection, width)],
    numbers("value", npyHead(dtypeNames[dtype].numpy, [numRows, dim]), dim, (batch) => value(batch).values),
    ...(isScaled ? [numbers("scale", column, 1, (batch) => value(batch).scales!)] : []),
    ...(hasWeights ? [numbers("weight", column, 1, ({ weights }) => weights!)] : []),
  ];
  return { bytes, numRows, width, longest, files };
}

/** A numpy array of shape () that contains a text. */
function textArray(name: string, text: string): ArchiveFile {
  const points = Uint32Array.from(Array.from(text), (character) => character.codePointAt(0)!);
  return [`${name}.npy`, npyHead(`<U${points.length}`, []), [byteView(points)]];
}

async function* zipped(files: readonly ArchiveFile[]): AsyncGenerator<Uint8Array> {
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
    // the modification time is fixed, so that the bytes do not depend on the clock
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

/** Returns the number of characters (code points) of the longest key, at least 1, and the number of keys. */
async function longestKey(
  selection: Selection,
): Promise<{ width: number; longest: string; numRows: number }> {
  let [width, longest, numRows] = [1, "", 0];
  await checkKeys(selection, (batch, row) => {
    if (isLeftOut(selection, batch, row)) return;
    numRows++;
    const reserved = reservedKey(selection, batch, row);
    const key = reserved ?? oneKeyBytes(batch, row);
    if (selection.reserve && !reserved && [PADDING, OUT_OF_VOCABULARY].some((name) => name!.equals(key)))
      throw new DataError(
        `key ${excerpt(Buffer.from(key).toString("utf8"))} is FuxiCTR's name for a reserved row: rename the ` +
          "key, or omit --reserve",
      );
    // a key has at most as many characters as bytes
    if (key.length <= width) return;
    const text = Buffer.from(key).toString("utf8");
    const length = Array.from(text).length;
    if (length > width) [width, longest] = [length, text];
  });
  return { width, longest, numRows };
}

/** Yields keys as u32 code points, padded with zeros to `width`. */
async function* keyChunks(selection: Selection, width: number): AsyncGenerator<Uint8Array> {
  for await (const batch of selection.batches({ vectors: false })) {
    for (const { first, last } of runsOfRows(selection, batch, Math.floor(CHARACTERS_AT_A_TIME / width))) {
      const points = new Uint32Array((last - first) * width);
      for (let row = first; row < last; row++) {
        const key = reservedKey(selection, batch, row) ?? oneKeyBytes(batch, row);
        const text = Buffer.from(key).toString("utf8");
        let at = (row - first) * width;
        for (const character of text) points[at++] = character.codePointAt(0)!;
      }
      yield byteView(points);
    }
  }
}

/** Yields the numbers of all rows. @param of returns an array with `perRow` numbers per row */
async function* numberChunks(
  selection: Selection,
  perRow: number,
  of: (batch: ExportBatch) => Encoded["values"],
): AsyncGenerator<Uint8Array> {
  for await (const batch of selection.batches()) {
    const numbers = of(batch);
    for (const { first, last } of runsOfRows(selection, batch))
      yield byteView(numbers.subarray(first * perRow, last * perRow));
  }
}

/** Returns the name of the row that --reserve fuxictr added as the first or the last row of the selection. */
function reservedKey(
  { reserve, numRows }: Selection,
  { table, start }: ExportBatch,
  row: number,
): Uint8Array | undefined {
  if (!reserve || !isHole(table, row)) return undefined;
  if (start + row === 0) return PADDING;
  return start + row === numRows - 1 ? OUT_OF_VOCABULARY : undefined;
}

function isLeftOut(selection: Selection, batch: ExportBatch, row: number): boolean {
  return isHole(batch.table, row) && !reservedKey(selection, batch, row);
}

/** Yields the ranges of rows that lie between omitted rows. */
function* runsOfRows(selection: Selection, batch: ExportBatch, atMost = ROWS_AT_A_TIME): Generator<RowRange> {
  const most = Math.min(ROWS_AT_A_TIME, Math.max(1, atMost));
  const { numRows } = batch.table;
  for (let first = 0; first < numRows;) {
    if (isLeftOut(selection, batch, first)) {
      first++;
      continue;
    }
    let last = first + 1;
    while (last < numRows && last - first < most && !isLeftOut(selection, batch, last)) last++;
    yield { first, last };
    first = last;
  }
}
