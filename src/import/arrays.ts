// Reads formats of arrays: npz (`key`, `value`), safetensors (`vectors`, `keys`, `keyOffsets`), and directories of npy
// files, as export writes them.
//
//   npy     vectors.npy, keys.txt (one JSON string per line)    faiss   vectors.npy, ids.tsv (row TAB key)
//
// Vectors are f32, f64, halves, or i8 with a scale per row: `scale`, `scales`, scales.npy. Sources: numpy.lib.format;
// https://github.com/huggingface/safetensors.

import { isUtf8 } from "node:buffer";
import { join } from "node:path";
import { unzipSync } from "fflate";
import { ArtifactError, DataError } from "../errors.js";
import { readSafetensors } from "../embedding/safetensors.js";
import { openSource } from "../io/source.js";
import type { InputFingerprint } from "../io/fingerprint.js";
import type { TableCollector } from "./collector.js";
import {
  elementsOf,
  parseNpy,
  rowReader,
  fixedWidthTexts,
  type Elements,
  type NpyArray,
} from "./npy-array.js";

/** Names of the arrays that are read from an npz file. */
const ARRAYS = ["key.npy", "value.npy", "scale.npy"];

/** Maximum ratio of an archive's unpacked size to its own size, and number of unpacked bytes that is always allowed. */
const [MAX_RATIO, ALWAYS] = [64, 64 << 20];

/** @throws {DataError} a file unpacks to far more than its size, which would fill the memory */
function checkUnpacked(unpacked: number, packed: number, file: string): void {
  const most = Math.max(ALWAYS, MAX_RATIO * packed);
  if (unpacked <= most) return;
  throw new DataError(
    `it unpacks to more than ${most} bytes, from ${packed}: the compression ratio is limited to ` +
      `${MAX_RATIO}; write it uncompressed, or in a format without padding`,
    { file },
  );
}

/** Reads npz. @throws {DataError} `key` or `value` is missing or has another type, such as keys as objects */
export async function readNpz(path: string, rows: TableCollector): Promise<InputFingerprint[]> {
  const { bytes, fingerprint } = await wholeFile(path);
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
  const rowAt = vectorsOf(value, value.descr === "|i1" ? array("scale") : undefined, path);
  for (const [r, key] of keys.entries())
    rows.add(key ?? fail(`key ${r + 1} has an invalid character code`), rowAt(r), { file: path });
  return [fingerprint];
}

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
  const [vectors, keys] = [await wholeFile(vectorsPath), await wholeFile(keysPath)];
  const inputs = [vectors.fingerprint, keys.fingerprint];
  const value = npyOf(vectors.bytes, vectorsPath);
  if (!isUtf8(keys.bytes)) throw new DataError("it is not valid UTF-8", { file: keysPath });
  const lines = Buffer.from(keys.bytes).toString("utf8").split("\n").slice(0, -1);
  if (value.shape.length !== 2 || value.shape[0] !== lines.length)
    throw new DataError(
      `${lines.length} lines, but vectors.npy has shape [${value.shape.join(", ")}]: expected one line per row`,
      { file: keysPath },
    );
  let scale: NpyArray | undefined;
  if (value.descr === "|i1") {
    const scalesPath = join(path, "scales.npy");
    const { bytes, fingerprint } = await wholeFile(scalesPath);
    inputs.push(fingerprint);
    scale = npyOf(bytes, scalesPath);
  }
  const rowAt = vectorsOf(value, scale, vectorsPath);
  lines.forEach((line, r) => {
    const place = { file: keysPath, line: r + 1 };
    let key: string | undefined;
    try {
      key = keyOf(line, r);
    } catch {
      // ignores the error, because a missing key is reported below
    }
    if (key === undefined)
      throw new DataError(`expected the key of row ${r}, as export writes it, got '${line}'`, place);
    // skips rows without a key: keys that were removed by embed forget, or rows that were added by --reserve
    if (key !== "") rows.add(key, rowAt(r), place);
  });
  return inputs;
}

/** Reads safetensors. @throws {DataError} the file is invalid, or lacks a tensor */
export async function readTensors(path: string, rows: TableCollector): Promise<InputFingerprint[]> {
  const { bytes, fingerprint } = await wholeFile(path);
  let tensors: ReturnType<typeof readSafetensors>;
  try {
    tensors = readSafetensors(bytes, path);
  } catch (error) {
    // the file was written by another program, so the error is one of input data, not of an artifact
    if (error instanceof ArtifactError) throw new DataError(error.message);
    throw error;
  }
  const [vectors, keys, ends] = ["vectors", "keys", "keyOffsets"].map((name) => tensors.get(name));
  if (!vectors || !keys || !ends || vectors.shape.length !== 2 || ends.shape[0] !== vectors.shape[0]! + 1)
    throw new DataError(
      `it has the tensors ${[...tensors].map(([name, { shape }]) => `${name} [${shape.join()}]`).join(", ")}: ` +
        "expected vectors [rows, dim], keys [bytes] of UTF-8 and keyOffsets [rows + 1], as export writes them",
      { file: path },
    );
  const dim = vectors.shape[1]!;
  const scales = tensors.get("scales")?.data as Float32Array | undefined;
  const isScaled = isArrayType(vectors.data, "Int8Array");
  if (
    !isScaled &&
    !["Float32Array", "Float64Array", "Uint16Array"].some((type) => isArrayType(vectors.data, type))
  )
    throw new DataError("vectors must be F32, F64, F16 or I8", { file: path });
  if (isScaled && scales?.length !== vectors.shape[0])
    throw new DataError("I8 vectors need a tensor scales [rows] of F32", { file: path });
  if (!isArrayType(keys.data, "Uint8Array") || !isArrayType(ends.data, "BigInt64Array"))
    throw new DataError("expected keys of U8 and keyOffsets of I64, as export writes them", { file: path });
  const rowAt = rowReader(vectors.data as Elements, dim, isScaled ? scales : undefined);
  for (let r = 0; r < vectors.shape[0]!; r++) {
    const [from, to] = [Number(ends.data[r]), Number(ends.data[r + 1])];
    if (from < 0 || to < from || to > keys.data.length)
      throw new DataError(
        `keyOffsets must be ascending: key ${r + 1} is bytes ${from} to ${to} of ${keys.data.length}`,
        { file: path },
      );
    const key = (keys.data as Uint8Array).subarray(from, to);
    // skips rows without a key: keys that were removed by embed forget, or rows that were added by --reserve
    if (key.length === 0) continue;
    if (!isUtf8(key)) throw new DataError(`key ${r + 1} is not valid UTF-8`, { file: path });
    rows.add(Buffer.from(key).toString("utf8"), rowAt(r), { file: path });
  }
  return [fingerprint];
}

/**
 * Returns a function that reads an array's rows as numbers. @param scale scales of the rows, for i8 @throws {DataError}
 * the array has another type, or is truncated
 */
function vectorsOf(value: NpyArray, scale: NpyArray | undefined, file: string): ReturnType<typeof rowReader> {
  const values = elementsOf(value);
  const scales = scale && elementsOf(scale);
  if (!values || (scale && (scales?.length !== value.shape[0] || scale.descr !== "<f4")))
    throw new DataError(
      `vectors of type ${value.descr}${scale ? ` with scales of type ${scale.descr}, [${scale.shape.join(", ")}]` : ""}: ` +
        "expected <f4, <f8 or <f2, or |i1 with a scale a row (<f4), and the file whole",
      { file },
    );
  return rowReader(values, value.shape[1]!, scales);
}

function npyOf(bytes: Uint8Array, file: string): NpyArray {
  const array = parseNpy(bytes);
  if (!array) throw new DataError("it is not an npy file in C order", { file });
  return array;
}

/** Compares the type's name, not instanceof, because arrays of another realm are valid, too. */
function isArrayType(data: ArrayBufferView, type: string): boolean {
  return Object.prototype.toString.call(data) === `[object ${type}]`;
}

async function wholeFile(path: string): Promise<{ bytes: Uint8Array; fingerprint: InputFingerprint }> {
  const source = await openSource(path);
  try {
    const parts: Uint8Array[] = [];
    let length = 0;
    for await (const piece of source.pieces()) {
      parts.push(Uint8Array.from(piece));
      length += piece.length;
      if (length > source.bytesRead) checkUnpacked(length, source.bytesRead, path);
    }
    return { bytes: Uint8Array.from(Buffer.concat(parts)), fingerprint: source.fingerprint() };
  } finally {
    await source.close();
  }
}
