// Reads npz (the arrays `key` and `value`, and `scale` for i8) and safetensors (`vectors`, `keys`, `keyOffsets`, and
// `scales` for i8), as export writes them.
//
// Sources: numpy.lib.format; https://github.com/huggingface/safetensors.

import { isUtf8 } from "node:buffer";
import { unzipSync } from "fflate";
import { ArtifactError, DataError } from "../../base/errors.js";
import { entriesOf, MAX_TENSORS_HEADER, type TensorEntry } from "../safetensors.js";
import { booksOfShape, decodedCodes, type SearchBooks } from "../search-codes.js";
import type { RowRange } from "../table.js";
import type { InputFingerprint } from "../../base/io/fingerprint.js";
import { pathExists } from "../../base/io/read-artifact.js";
import type { TableCollector } from "./collector.js";
import {
  blocksOfRows,
  elementsOf,
  parseNpy,
  rowReader,
  scalesOf,
  fixedWidthTexts,
  type NpyArray,
  elementType,
  failVectors,
  NPY_PREFIX,
  npyDataStart,
  npyHeader,
  type Elements,
  type NpyHeader,
} from "./npy-array.js";
import { checkUnpacked, openRanges, wholeFile, type ByteRanges } from "./whole-file.js";
import { join } from "node:path";
import { ByteReader } from "./byte-reader.js";

// Reads directories of npy files, as export writes them, from start to end in blocks of rows.
//
//   npy     vectors.npy, keys.txt (one JSON string per line)    faiss   vectors.npy, ids.tsv (row TAB key)
//
// Vectors are f32, f64, halves, i8 with a scale per row in scales.npy, or codes with books.npy.

/** Maximum number of bytes of a header, and of a line with a key. */
const [MAX_HEADER, MAX_LINE] = [1 << 20, 16 << 20];
const MAX_DIM = 1 << 16;
const LF = 10;

export async function readNpy(path: string, rows: TableCollector): Promise<InputFingerprint[]> {
  return await readFolder(path, rows, "keys.txt", (line) => {
    const key: unknown = JSON.parse(line);
    return typeof key === "string" ? key : undefined;
  });
}

export async function readFaiss(path: string, rows: TableCollector): Promise<InputFingerprint[]> {
  return await readFolder(path, rows, "ids.tsv", (line, row) => {
    const [number, key] = line.split("\t");
    return Number(number) === row ? key : undefined;
  });
}

/** @param keyOf returns the key of a line; undefined if it is invalid */
async function readFolder(
  path: string,
  rows: TableCollector,
  keysFile: string,
  keyOf: (line: string, row: number) => string | undefined,
): Promise<InputFingerprint[]> {
  const [vectorsPath, keysPath] = [join(path, "vectors.npy"), join(path, keysFile)];
  const vectors = await ByteReader.open(vectorsPath);
  let keys: ByteReader | undefined;
  try {
    keys = await ByteReader.open(keysPath);
    const { descr, shape } = await headerOf(vectors, vectorsPath);
    const booksPath = join(path, "books.npy");
    const hasBooks = descr === "|u1" && (await pathExists(booksPath));
    const books = hasBooks ? await booksIn(booksPath, shape[1]!) : undefined;
    const type = books ? Int8Array : (elementType(descr) ?? failVectors(descr, vectorsPath));
    const rowBytes = shape[1]! * type.BYTES_PER_ELEMENT;
    const [numRows, dim] = [shape[0]!, books?.dim ?? shape[1]!];
    const scales = descr === "|i1" ? await scalesIn(join(path, "scales.npy"), numRows) : undefined;
    let line: string | undefined;
    let numLines = 0;
    for (const { first, last } of blocksOfRows(numRows, rowBytes)) {
      const bytes = await vectors.read((last - first) * rowBytes);
      if (!bytes) failVectors(descr, vectorsPath);
      const rowAt = rowReader(
        books ? decodedCodes(books, bytes) : new type(new Uint8Array(bytes).buffer),
        dim,
        scales?.values.subarray(first, last),
      );
      for (let row = first; row < last && (line = await nextLine(keys, keysPath)) !== undefined; row++) {
        numLines++;
        const key = keyIn(line, row, keyOf, keysPath);
        // skips rows without a key: keys that were removed by embed forget, or rows that were added by --reserve
        if (key !== "") rows.add(key, rowAt(row - first), { file: keysPath, line: row + 1 });
      }
      // does not read vectors for which there are no keys
      if (numLines < last) break;
    }
    while ((await nextLine(keys, keysPath)) !== undefined) numLines++;
    if (numLines !== numRows)
      throw new DataError(
        `${numLines} lines, but vectors.npy has shape [${shape.join(", ")}]: expected one line per row`,
        { file: keysPath },
      );
    for (const reader of [vectors, keys]) for await (const _ of reader.rest());
    return [vectors.fingerprint(), keys.fingerprint(), ...(scales ? [scales.fingerprint] : [])];
  } finally {
    await vectors.close();
    await keys?.close();
  }
}

function keyIn(
  line: string,
  row: number,
  keyOf: (line: string, row: number) => string | undefined,
  file: string,
): string {
  let key: string | undefined;
  try {
    key = keyOf(line, row);
  } catch {
    // ignores the error, because a missing key is reported below
  }
  if (key !== undefined) return key;
  throw new DataError(`expected the key of row ${row}, as export writes it, got '${line}'`, {
    file,
    line: row + 1,
  });
}

/** Reads a line. @returns undefined at the end; an incomplete last line is not a line */
async function nextLine(reader: ByteReader, file: string): Promise<string | undefined> {
  const bytes = reader.until(LF) ?? (await reader.readUntil(LF, MAX_LINE));
  if (!bytes && reader.numInMemory > MAX_LINE)
    throw new DataError(`a line has more than ${MAX_LINE} bytes: expected a key per line`, { file });
  if (bytes && !isUtf8(bytes)) throw new DataError("it is not valid UTF-8", { file });
  return bytes?.toString("utf8");
}

async function headerOf(reader: ByteReader, file: string): Promise<NpyHeader> {
  const prefix = Buffer.from((await reader.read(NPY_PREFIX)) ?? []);
  const length = (npyDataStart(prefix) ?? 0) - NPY_PREFIX;
  const rest = length >= 0 && length <= MAX_HEADER ? await reader.read(length) : undefined;
  const header = rest && npyHeader(Buffer.concat([prefix, rest]));
  if (!header) throw new DataError("it is not an npy file in C order", { file });
  if (header.shape.length !== 2)
    throw new DataError(`it has shape [${header.shape.join(", ")}]: expected [rows, dim]`, { file });
  if (header.shape[1]! > MAX_DIM)
    throw new DataError(`${header.shape[1]!} numbers per row, at most ${MAX_DIM} are supported`, { file });
  return header;
}

/** Reads the books of search codes of `bytes` bytes. */
async function booksIn(path: string, bytes: number): Promise<SearchBooks> {
  const read = parseNpy((await wholeFile(path)).bytes);
  const books =
    read?.descr === "<f4"
      ? booksOfShape(read.shape, elementsOf(read, path) as Float32Array, bytes)
      : undefined;
  if (books) return books;
  throw new DataError(
    `it has shape [${read?.shape.join(", ")}], which does not fit codes of ${bytes} bytes: expected the books of an ` +
      "export with --dtype b1, pq or rq",
    { file: path },
  );
}

async function scalesIn(
  path: string,
  numRows: number,
): Promise<{ values: Elements; fingerprint: InputFingerprint }> {
  const { bytes, fingerprint } = await wholeFile(path);
  const scale = parseNpy(bytes);
  if (!scale) throw new DataError("it is not an npy file in C order", { file: path });
  return { values: scalesOf(scale, numRows, path), fingerprint };
}

const MAX_KEY = 1 << 20;

const ARRAYS = ["key.npy", "value.npy", "scale.npy"];

export async function readNpz(path: string, rows: TableCollector): Promise<InputFingerprint[]> {
  const { bytes, fingerprint } = await wholeFile(
    path,
    "write vectors.npy and keys.txt into a directory, and import it with --format npy",
  );
  const fail = (problem: string): never => {
    throw new DataError(
      `${problem}: expected an npz file of the arrays key (text) and value (floats, or i8 beside scale)`,
      { file: path },
    );
  };
  let files: Record<string, Uint8Array>;
  const names: string[] = [];
  let unzipped = 0;
  try {
    files = unzipSync(bytes, {
      filter({ name, originalSize }) {
        names.push(name);
        if (!ARRAYS.includes(name)) return false;
        unzipped += originalSize;
        checkUnpacked(unzipped, bytes.length, path);
        return true;
      },
    });
  } catch (error) {
    if (error instanceof DataError) throw error;
    return fail(`it cannot be unzipped (${String(error)})`);
  }
  const array = (name: string): NpyArray => {
    const file = files[`${name}.npy`];
    return file
      ? (parseNpy(file) ?? fail(`array '${name}' is not in npy format`))
      : fail(`it has no array '${name}', but ${names.slice(0, 20).join(", ")}`);
  };
  const keys = fixedWidthTexts(array("key")) ?? fail(`keys of type ${array("key").descr}`);
  const value = array("value");
  if (value.shape.length !== 2 || value.shape[0] !== keys.length)
    fail(`${keys.length} keys, but values of shape [${value.shape.join(", ")}]`);
  const scales = value.descr === "|i1" ? scalesOf(array("scale"), keys.length, path) : undefined;
  const rowAt = rowReader(elementsOf(value, path), value.shape[1]!, scales);
  for (const [r, key] of keys.entries())
    rows.add(key ?? fail(`key ${r + 1} has an invalid character code`), rowAt(r), { file: path });
  return [fingerprint];
}

export async function readTensors(path: string, rows: TableCollector): Promise<InputFingerprint[]> {
  const file = await openRanges(path);
  try {
    const tensors = await entriesIn(file, path);
    const [vectors, keys, ends] = ["vectors", "keys", "keyOffsets"].map((name) => tensors.get(name));
    const [numRows, dim] = vectors?.shape.length === 2 ? vectors.shape : [];
    if (!vectors || !keys || !ends || numRows === undefined || ends.shape.join() !== String(numRows + 1))
      throw new DataError(
        `it has the tensors ${[...tensors].map(([name, { shape }]) => `${name} [${shape.join()}]`).join(", ")}: ` +
          "expected vectors [rows, dim], keys [bytes] of UTF-8 and keyOffsets [rows + 1], as export writes them",
        { file: path },
      );
    const type = [Float32Array, Float64Array, Uint16Array, Int8Array].find(
      (each) => each === vectors.arrayOf,
    );
    if (!type) throw new DataError("vectors must be F32, F64, F16 or I8", { file: path });
    const scales = tensors.get("scales");
    const isScaled = type === Int8Array;
    if (isScaled && (scales?.arrayOf !== Float32Array || scales.shape.join() !== String(numRows)))
      throw new DataError("I8 vectors need a tensor scales [rows] of F32", { file: path });
    if (keys.arrayOf !== Uint8Array || ends.arrayOf !== BigInt64Array)
      throw new DataError("expected keys of U8 and keyOffsets of I64, as export writes them", { file: path });
    const part = async (
      { start }: TensorEntry,
      bytes: number,
      { first, last }: RowRange,
    ): Promise<ArrayBuffer> => await file.slice(start + bytes * first, start + bytes * last);
    const rowBytes = type.BYTES_PER_ELEMENT * dim!;
    for (const block of blocksOfRows(numRows, rowBytes)) {
      const { first, last } = block;
      const offsets = new BigInt64Array(await part(ends, 8, { first, last: last + 1 }));
      checkOffsets(offsets, first, keys.bytes, path);
      const [from, to] = [Number(offsets[0]), Number(offsets.at(-1))];
      const keyBytes = new Uint8Array(await part(keys, 1, { first: from, last: to }));
      const scalesOfBlock = isScaled ? new Float32Array(await part(scales!, 4, block)) : undefined;
      const rowAt = rowReader(new type(await part(vectors, rowBytes, block)), dim!, scalesOfBlock);
      for (let r = 0; r < last - first; r++) {
        const key = keyBytes.subarray(Number(offsets[r]) - from, Number(offsets[r + 1]) - from);
        // skips rows without a key: keys that were removed by embed forget, or rows that were added by --reserve
        if (key.length === 0) continue;
        if (!isUtf8(key)) throw new DataError(`key ${first + r + 1} is not valid UTF-8`, { file: path });
        rows.add(Buffer.from(key).toString("utf8"), rowAt(r), { file: path });
      }
    }
    return [await file.fingerprint()];
  } finally {
    await file.close();
  }
}

async function entriesIn(file: ByteRanges, path: string): Promise<Map<string, TensorEntry>> {
  const prefix = new DataView(await file.slice(0, Math.min(8, file.size)));
  const length = prefix.byteLength < 8 ? 0 : Number(prefix.getBigUint64(0, true));
  const head = await file.slice(0, Math.min(file.size, 8 + length, 8 + MAX_TENSORS_HEADER));
  try {
    return entriesOf(new Uint8Array(head), file.size, path);
  } catch (error) {
    // the file was written by another program, so the error is one of input data, not of an artifact
    if (error instanceof ArtifactError) throw new DataError(error.message);
    throw error;
  }
}

function checkOffsets(offsets: BigInt64Array, firstRow: number, keyBytes: number, file: string): void {
  for (let r = 0; r + 1 < offsets.length; r++) {
    const [from, to] = [Number(offsets[r]), Number(offsets[r + 1])];
    if (from < 0 || to < from || to > keyBytes)
      throw new DataError(
        `keyOffsets must be ascending: key ${firstRow + r + 1} is bytes ${from} to ${to} of ${keyBytes}`,
        { file },
      );
    if (to - from > MAX_KEY)
      throw new DataError(
        `key ${firstRow + r + 1} has ${to - from} bytes, at most ${MAX_KEY} are supported`,
        { file },
      );
  }
}
