// Reads npz (the arrays `key` and `value`, and `scale` for i8) and safetensors (`vectors`, `keys`, `keyOffsets`, and
// `scales` for i8), as export writes them.
//
// Sources: numpy.lib.format; https://github.com/huggingface/safetensors.

import { isUtf8 } from "node:buffer";
import { unzipSync } from "fflate";
import { ArtifactError, DataError } from "../errors.js";
import { entriesOf, MAX_TENSORS_HEADER, type TensorEntry } from "../embedding/safetensors.js";
import type { RowRange } from "../embedding/table.js";
import type { InputFingerprint } from "../io/fingerprint.js";
import type { TableCollector } from "./collector.js";
import {
  blocksOfRows,
  elementsOf,
  parseNpy,
  rowReader,
  scalesOf,
  fixedWidthTexts,
  type NpyArray,
} from "./npy-array.js";
import { checkUnpacked, openRanges, wholeFile, type ByteRanges } from "./whole-file.js";

/** Maximum number of bytes of a key. */
const MAX_KEY = 1 << 20;

/** Names of the arrays that are read from an npz file. */
const ARRAYS = ["key.npy", "value.npy", "scale.npy"];

/** Reads npz. @throws {DataError} `key` or `value` is missing or has another type, such as keys as objects */
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

/** Reads safetensors. @throws {DataError} the file is invalid, or lacks a tensor */
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
    /** Reads elements of a tensor. */
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

/** Returns the positions of a file's tensors. @throws {DataError} its header is invalid */
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

/** @throws {DataError} offsets of keys do not ascend, lie beyond the keys, or a key is too long */
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
        {
          file,
        },
      );
  }
}
