// Reads directories of npy files, as export writes them, from start to end in blocks of rows.
//
//   npy     vectors.npy, keys.txt (one JSON string per line)    faiss   vectors.npy, ids.tsv (row TAB key)
//
// Vectors are f32, f64, halves, or i8 with a scale per row in scales.npy.

import { isUtf8 } from "node:buffer";
import { join } from "node:path";
import { DataError } from "../errors.js";
import type { InputFingerprint } from "../io/fingerprint.js";
import { ByteReader } from "./byte-reader.js";
import type { TableCollector } from "./collector.js";
import {
  blocksOfRows,
  elementType,
  failVectors,
  NPY_PREFIX,
  npyDataStart,
  npyHeader,
  parseNpy,
  rowReader,
  scalesOf,
  type Elements,
  type NpyHeader,
} from "./npy-array.js";
import { wholeFile } from "./whole-file.js";

/** Maximum number of bytes of a header, and of a line with a key. */
const [MAX_HEADER, MAX_LINE] = [1 << 20, 16 << 20];
const MAX_DIM = 1 << 16;
const LF = 10;

/** Reads a directory of vectors.npy and keys.txt. @throws {DataError} the files are inconsistent */
export async function readNpy(path: string, rows: TableCollector): Promise<InputFingerprint[]> {
  return await readFolder(path, rows, "keys.txt", (line) => {
    const key: unknown = JSON.parse(line);
    return typeof key === "string" ? key : undefined;
  });
}

/** Reads a directory of vectors.npy and ids.tsv. @throws {DataError} the files are inconsistent */
export async function readFaiss(path: string, rows: TableCollector): Promise<InputFingerprint[]> {
  return await readFolder(path, rows, "ids.tsv", (line, row) => {
    const [number, key] = line.split("\t");
    return Number(number) === row ? key : undefined;
  });
}

/** Reads a directory of vectors.npy and keys. @param keyOf returns the key of a line; undefined if it is invalid */
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
    const type = elementType(descr) ?? failVectors(descr, vectorsPath);
    const rowBytes = shape[1]! * type.BYTES_PER_ELEMENT;
    const [numRows, dim] = [shape[0]!, shape[1]!];
    const scales = descr === "|i1" ? await scalesIn(join(path, "scales.npy"), numRows) : undefined;
    let line: string | undefined;
    let numLines = 0;
    for (const { first, last } of blocksOfRows(numRows, rowBytes)) {
      const bytes = await vectors.read((last - first) * rowBytes);
      if (!bytes) failVectors(descr, vectorsPath);
      const rowAt = rowReader(
        new type(new Uint8Array(bytes).buffer),
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

/** Returns the key of a line. @throws {DataError} the line has none */
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

/** Reads the header of an array of rows. @throws {DataError} it is not a two-dimensional array in C order */
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

/** Reads the scales of rows of i8. @throws {DataError} they are not one f32 per row */
async function scalesIn(
  path: string,
  numRows: number,
): Promise<{ values: Elements; fingerprint: InputFingerprint }> {
  const { bytes, fingerprint } = await wholeFile(path);
  const scale = parseNpy(bytes);
  if (!scale) throw new DataError("it is not an npy file in C order", { file: path });
  return { values: scalesOf(scale, numRows, path), fingerprint };
}
