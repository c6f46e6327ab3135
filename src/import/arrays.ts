// Formats of arrays → rows: npz (`key`, `value`) and safetensors (`vectors`, `keys`, `keyOffsets`), as export writes them.
//
// Sources: numpy.lib.format, versions 1.0 to 3.0; https://github.com/huggingface/safetensors.

import { isUtf8 } from "node:buffer";
import { unzipSync } from "fflate";
import { ArtifactError, DataError } from "../errors.js";
import { readSafetensors } from "../embedding/safetensors.js";
import { openSource } from "../io/source.js";
import type { InputFingerprint } from "../io/fingerprint.js";
import type { RowCollector } from "./collector.js";

/** Reads npz. @throws {DataError} it lacks `key` or `value`, or these are of other types: keys as objects, for instance */
export async function readNpz(path: string, rows: RowCollector): Promise<InputFingerprint> {
  const { bytes, fingerprint } = await wholeFile(path);
  const fail = (problem: string): never => {
    throw new DataError(`${problem}: expected an npz file of the arrays key (text) and value (floats)`, {
      file: path,
    });
  };
  let files: Record<string, Uint8Array>;
  try {
    files = unzipSync(bytes);
  } catch (error) {
    return fail(`it cannot be unzipped (${String(error)})`);
  }
  const array = (name: string): NpyArray => {
    const file = files[`${name}.npy`];
    return file
      ? (parseNpy(file) ?? fail(`array '${name}' is no npy`))
      : fail(`it has no array '${name}', but ${Object.keys(files).join(", ")}`);
  };
  const keys = textOf(array("key")) ?? fail(`keys of type ${array("key").descr}`);
  const value = array("value");
  const numbers = floatsOf(value) ?? fail(`values of type ${value.descr}`);
  const [numRows, dim] = value.shape;
  if (value.shape.length !== 2 || numRows !== keys.length)
    fail(`${keys.length} keys, and values of shape [${value.shape.join(", ")}]`);
  for (const [r, key] of keys.entries())
    rows.add(
      key ?? fail(`key ${r + 1} holds a number that is no character`),
      numbers.subarray(r * dim!, (r + 1) * dim!),
      { file: path },
    );
  return fingerprint;
}

/** Reads safetensors. @throws {DataError} it is none, or lacks a tensor */
export async function readTensors(path: string, rows: RowCollector): Promise<InputFingerprint> {
  const { bytes, fingerprint } = await wholeFile(path);
  let tensors: ReturnType<typeof readSafetensors>;
  try {
    tensors = readSafetensors(bytes, path);
  } catch (error) {
    // a foreign file is data, not an artifact of ours
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
  const isTyped =
    vectors.data instanceof Float32Array &&
    keys.data instanceof Uint8Array &&
    ends.data instanceof BigInt64Array;
  if (!isTyped)
    throw new DataError("expected vectors of F32, keys of U8 and keyOffsets of I64, as export writes them", {
      file: path,
    });
  for (let r = 0; r < vectors.shape[0]!; r++) {
    const [from, to] = [Number(ends.data[r]), Number(ends.data[r + 1])];
    if (from < 0 || to < from || to > keys.data.length)
      throw new DataError(
        `keyOffsets says that key ${r + 1} is bytes ${from} to ${to} of ${keys.data.length}: expected them to ascend`,
        { file: path },
      );
    const key = (keys.data as Uint8Array).subarray(from, to);
    // a row without key is a hole or one that was reserved
    if (key.length === 0) continue;
    if (!isUtf8(key)) throw new DataError(`key ${r + 1} is no UTF-8`, { file: path });
    rows.add(
      Buffer.from(key).toString("utf8"),
      (vectors.data as Float32Array).subarray(r * dim, (r + 1) * dim),
      {
        file: path,
      },
    );
  }
  return fingerprint;
}

interface NpyArray {
  descr: string;
  shape: number[];
  data: Uint8Array;
}

function parseNpy(bytes: Uint8Array): NpyArray | undefined {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (buffer.toString("latin1", 0, 6) !== "\x93NUMPY") return undefined;
  const [start, length] = buffer[6] === 1 ? [10, buffer.readUInt16LE(8)] : [12, buffer.readUInt32LE(8)];
  const header = buffer.toString("utf8", start, start + length);
  const descr = /'descr': '([^']+)'/.exec(header)?.[1];
  const shape = /'shape': \(([^)]*)\)/.exec(header)?.[1];
  if (descr === undefined || shape === undefined || !header.includes("'fortran_order': False"))
    return undefined;
  return {
    descr,
    shape: shape
      .split(",")
      .filter((n) => n.trim() !== "")
      .map(Number),
    // a copy, aligned to any element
    data: Uint8Array.from(bytes.subarray(start + length)),
  };
}

/** Fixed-width text, little-endian u32 code points; a row with one that is no character is undefined. */
function textOf({ descr, shape, data }: NpyArray): (string | undefined)[] | undefined {
  const width = Number(/^<U(\d+)$/.exec(descr)?.[1]);
  if (!Number.isInteger(width) || shape.length !== 1) return undefined;
  const points = new Uint32Array(data.buffer, 0, width * shape[0]!);
  return Array.from({ length: shape[0]! }, (_, r) => {
    const row = points.subarray(r * width, (r + 1) * width);
    let end = width;
    while (end > 0 && row[end - 1] === 0) end--;
    const text: string[] = [];
    for (const point of row.subarray(0, end)) {
      if (point > 0x10ffff || (point >= 0xd800 && point < 0xe000)) return undefined;
      text.push(String.fromCodePoint(point));
    }
    return text.join("");
  });
}

function floatsOf({ descr, data }: NpyArray): Float32Array | Float64Array | undefined {
  if (descr === "<f4") return new Float32Array(data.buffer);
  return descr === "<f8" ? new Float64Array(data.buffer) : undefined;
}

async function wholeFile(path: string): Promise<{ bytes: Uint8Array; fingerprint: InputFingerprint }> {
  const source = await openSource(path);
  try {
    const parts: Uint8Array[] = [];
    for await (const piece of source.pieces()) parts.push(Uint8Array.from(piece));
    return { bytes: Uint8Array.from(Buffer.concat(parts)), fingerprint: source.fingerprint() };
  } finally {
    await source.close();
  }
}
