// Reads and writes safetensors, the file format of a model's parameters: named tensors in one file.
//
//   u64 little-endian: length of the header | header: JSON, padded with spaces to 8 bytes | the tensors, without gaps
//
// Tensors with 8-byte elements come first, then those with 4-byte and 1-byte elements. Tensors with elements of the
// same size are sorted by name, so that every tensor is aligned to its elements and the same tensors give the same
// bytes.
// Source: https://github.com/huggingface/safetensors, "Format".

import { ArtifactError } from "../base/errors.js";
import type { ReadHandle } from "../base/io/read-artifact.js";
import { wrongIds, wrongOffsets } from "../base/io/arrow-file.js";
import type { Run } from "./run-directory.js";

/** A named array of numbers in row-major order; `data` has as many elements as the product of `shape`. */
export interface Tensor {
  shape: number[];
  /** the numbers; those of half precision as the bits of a u16 */
  data: Float32Array | Float64Array | Uint32Array | BigInt64Array | Uint16Array | Uint8Array | Int8Array;
}

/** Maximum number of bytes of a header: enough for a hundred thousand tensors. */
export const MAX_TENSORS_HEADER = 16 << 20;

/**
 * Returns the bytes of the file in chunks; the chunks of tensors are views of their data.
 *
 * @param metadata texts by name, stored in the header under `__metadata__`
 * @throws {RangeError} a bug of the caller: `data` does not match `shape`, or a tensor has the name `__metadata__`
 */
export function safetensorsChunks(
  tensors: ReadonlyMap<string, Tensor>,
  metadata?: Record<string, string>,
): Uint8Array[] {
  const shapes = new Map<string, TensorShape>();
  for (const [name, { shape, data }] of tensors) {
    if (elementCount(shape) !== data.length || name === "__metadata__") {
      throw new RangeError(`tensor '${name}' of shape [${shape.join()}] has ${data.length} elements`);
    }
    shapes.set(name, tensorShape(shape, data));
  }
  const { head, order } = safetensorsHead(shapes, metadata);
  return [
    head,
    ...order.map((name) => {
      const { buffer, byteOffset, byteLength } = tensors.get(name)!.data;
      return new Uint8Array(buffer, byteOffset, byteLength);
    }),
  ];
}

export function tensorShape(shape: number[], data: Tensor["data"]): TensorShape {
  return { dtype: dtypeOf(data), shape };
}

export interface TensorShape {
  dtype: keyof typeof DTYPE_BYTES;
  shape: number[];
}

const DTYPE_BYTES = { F64: 8, I64: 8, F32: 4, U32: 4, F16: 2, U8: 1, I8: 1 };

/** Returns the bytes of a file before its tensors, and the names of the tensors in the order of the file. */
export function safetensorsHead(
  tensors: ReadonlyMap<string, TensorShape>,
  metadata?: Record<string, string>,
): { head: Uint8Array; order: string[] } {
  const ordered = [...tensors].sort(
    ([nameA, a], [nameB, b]) => DTYPE_BYTES[b.dtype] - DTYPE_BYTES[a.dtype] || (nameA < nameB ? -1 : 1),
  );
  const entries: [string, unknown][] = metadata ? [["__metadata__", metadata]] : [];
  let end = 0;
  for (const [name, tensor] of ordered) {
    const start = end;
    end += elementCount(tensor.shape) * DTYPE_BYTES[tensor.dtype];
    entries.push([name, { dtype: tensor.dtype, shape: tensor.shape, data_offsets: [start, end] }]);
  }
  // Object.fromEntries makes `__proto__` an ordinary member, unlike an assignment
  const json = Buffer.from(JSON.stringify(Object.fromEntries(entries)));
  const header = Buffer.alloc(8 + Math.ceil(json.length / 8) * 8, " ");
  header.writeBigUInt64LE(BigInt(header.length - 8));
  json.copy(header, 8);
  return { head: header, order: ordered.map(([name]) => name) };
}

/**
 * Reads the tensors of a file into copies.
 *
 * @param name name of the file, for messages
 * @throws {ArtifactError} not a safetensors file of f32, f64, f16, u32, i64, u8 and i8 tensors, or the file is damaged
 */
export function readSafetensors(bytes: Uint8Array, name: string): Map<string, Tensor> {
  const tensors = new Map<string, Tensor>();
  for (const [tensor, entry] of entriesOf(bytes, bytes.length, name)) {
    // copies the bytes to a new ArrayBuffer, because Buffer.slice returns a view
    const data = new Uint8Array(bytes.subarray(entry.start, entry.start + entry.bytes)).buffer;
    tensors.set(tensor, { shape: entry.shape, data: new entry.arrayOf(data) });
  }
  return tensors;
}

/** The position, type and shape of a tensor in its file. */
export interface TensorEntry {
  shape: number[];
  /** byte offset of the tensor from the start of the file */
  start: number;
  bytes: number;
  arrayOf: (typeof arrayOf)[keyof typeof arrayOf];
}

/** Parses the header of a file. @param head the file's first bytes, at least its header @param size of the file */
export function entriesOf(head: Uint8Array, size: number, name: string): Map<string, TensorEntry> {
  const fail = (problem: string): never => {
    throw new ArtifactError(`'${name}' cannot be read as safetensors: ${problem}`);
  };
  if (head.length < 8) fail("shorter than its header");
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
  const length = Number(view.getBigUint64(0, true));
  if (length > MAX_TENSORS_HEADER || 8 + length > head.length)
    fail(`its header of ${length} bytes is longer than the file`);
  let header: unknown;
  try {
    header = JSON.parse(Buffer.from(head.subarray(8, 8 + length)).toString("utf8"));
  } catch (error) {
    fail(`its header is not valid JSON (${String(error)})`);
  }
  if (typeof header !== "object" || header === null) return fail("its header is not an object");

  const entries = new Map<string, TensorEntry>();
  for (const [tensor, entry] of Object.entries(header)) {
    if (tensor === "__metadata__") continue;
    if (!isEntry(entry)) return fail(`tensor '${tensor}' has an invalid description`);
    const [start, end] = entry.data_offsets;
    const array = arrayOf[entry.dtype];
    const available = Math.max(0, Math.min(end, size - 8 - length) - start);
    if (available !== end - start || available !== elementCount(entry.shape) * array.BYTES_PER_ELEMENT) {
      fail(`tensor '${tensor}' of shape [${entry.shape.join()}] has ${available} bytes`);
    }
    entries.set(tensor, { shape: entry.shape, start: 8 + length + start, bytes: available, arrayOf: array });
  }
  return entries;
}

const arrayOf = {
  F32: Float32Array,
  F64: Float64Array,
  U32: Uint32Array,
  I64: BigInt64Array,
  F16: Uint16Array,
  U8: Uint8Array,
  I8: Int8Array,
};

interface Entry {
  dtype: keyof typeof arrayOf;
  shape: number[];
  data_offsets: [number, number];
}

function isSize(n: unknown): boolean {
  return Number.isSafeInteger(n) && Number(n) >= 0;
}

function isEntry(entry: unknown): entry is Entry {
  if (typeof entry !== "object" || entry === null) return false;
  if (!("dtype" in entry && "shape" in entry && "data_offsets" in entry)) return false;
  const { dtype, shape, data_offsets: offsets } = entry;
  return (
    typeof dtype === "string" &&
    Object.hasOwn(arrayOf, dtype) &&
    Array.isArray(shape) &&
    shape.every(isSize) &&
    Array.isArray(offsets) &&
    offsets.length === 2 &&
    offsets.every(isSize)
  );
}

function dtypeOf(data: Tensor["data"]): keyof typeof arrayOf {
  // does not use instanceof, because arrays of another realm are valid, too
  const tag = Object.prototype.toString.call(data);
  if (tag === "[object Float32Array]") return "F32";
  if (tag === "[object Float64Array]") return "F64";
  if (tag === "[object BigInt64Array]") return "I64";
  // a Buffer is a Uint8Array, too
  return tag === "[object Uint32Array]" ? "U32" : "U8";
}

function elementCount(shape: readonly number[]): number {
  return shape.reduce((size, n) => size * n, 1);
}

/** Number of bytes that are read, written or hashed at a time: a hash accepts at most 2 GiB per call. */
const PIECE = 64 << 20;

/** Reads tensors of an open file. @throws {ArtifactError} the errors of readSafetensors */
export async function readSafetensorsFile(
  file: ReadHandle,
  name: string,
  isWanted: (tensor: string) => boolean = () => true,
): Promise<Map<string, Tensor>> {
  const tensors = new Map<string, Tensor>();
  for (const [tensor, { shape, start, bytes, arrayOf }] of await entriesOfFile(file, name)) {
    if (!isWanted(tensor)) continue;
    const data = await bytesAt(file, start, start + bytes, name);
    tensors.set(tensor, { shape, data: new arrayOf(data.buffer) });
  }
  return tensors;
}

/** Reads the header of an open file. @throws {ArtifactError} the errors of readSafetensorsFile */
export async function entriesOfFile(file: ReadHandle, name: string): Promise<Map<string, TensorEntry>> {
  const { size } = await file.stat();
  const prefix = await bytesAt(file, 0, Math.min(8, size), name);
  const length = prefix.length < 8 ? 0 : Number(new DataView(prefix.buffer).getBigUint64(0, true));
  return entriesOf(await bytesAt(file, 0, Math.min(8 + length, size), name), size, name);
}

/** Splits chunks into pieces of at most PIECE bytes. */
export function* piecesOf(chunks: Iterable<Uint8Array>): Generator<Uint8Array> {
  for (const chunk of chunks) {
    for (let at = 0; at < chunk.length; at += PIECE) yield chunk.subarray(at, at + PIECE);
  }
}

async function bytesAt(
  file: ReadHandle,
  start: number,
  end: number,
  name: string,
): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = new Uint8Array(end - start);
  for (let at = 0; at < bytes.length;) {
    const { bytesRead } = await file.read(bytes, at, Math.min(PIECE, bytes.length - at), start + at);
    if (bytesRead === 0) throw new ArtifactError(`'${name}' is truncated: it is damaged`);
    at += bytesRead;
  }
  return bytes;
}

/** Returns the number of a half-precision float: 1 sign bit, 5 bits of exponent with bias 15, 10 bits of fraction. */
export function fromHalf(half: number): number {
  const exponent = (half >>> 10) & 31;
  const fraction = half & 1023;
  if (exponent === 31) return fraction > 0 ? NaN : half & 0x8000 ? -Infinity : Infinity;
  const magnitude = exponent === 0 ? fraction * 2 ** -24 : (1024 + fraction) * 2 ** (exponent - 25);
  return half & 0x8000 ? -magnitude : magnitude;
}

const types = {
  f32: Float32Array,
  f64: Float64Array,
  u32: Uint32Array,
  i64: BigInt64Array,
  u8: Uint8Array,
};
type Types = typeof types;

/** The expected shape of a tensor; undefined admits any size of the dimension. */
type Sizes = readonly (number | undefined)[];

/**
 * The tensors of one file in the folder model/ of a run. Every method checks the type and shape of the tensor that it returns.
 * @throws {ArtifactError} the tensor is missing, or has another type or shape
 */
export class TensorFile {
  /** @param all all tensors of the file, keyed by their names, without checks */
  constructor(
    readonly all: ReadonlyMap<string, Tensor>,
    private readonly what: string,
  ) {}

  static async of(run: Run, file: string): Promise<TensorFile> {
    return new TensorFile(
      readSafetensors(await run.readModelFile(file), file),
      `'${file}' of run '${run.path}'`,
    );
  }

  has(name: string): boolean {
    return this.all.has(name);
  }

  shapeOf(name: string): readonly number[] {
    return this.all.get(name)?.shape ?? this.fail(`it has no tensor '${name}'`);
  }

  f32(name: string, sizes: Sizes): Float32Array {
    return this.#get(name, "f32", sizes);
  }

  f64(name: string, sizes: Sizes): Float64Array {
    return this.#get(name, "f64", sizes);
  }

  i64(name: string, sizes: Sizes): BigInt64Array {
    return this.#get(name, "i64", sizes);
  }

  u8(name: string, sizes: Sizes): Uint8Array {
    return this.#get(name, "u8", sizes);
  }

  u32(name: string, sizes: Sizes): Uint32Array {
    return this.#get(name, "u32", sizes);
  }

  /** Returns a tensor of u32 numbers, after checking that all are less than `bound`. */
  ids(name: string, sizes: Sizes, bound: number): Uint32Array {
    const ids = this.u32(name, sizes);
    const problem = wrongIds(ids, bound);
    return problem === undefined ? ids : this.fail(`tensor '${name}': ${problem}`);
  }

  /** Returns a tensor of offsets, after checking that they ascend from 0 to `end`. */
  offsets(name: string, sizes: Sizes, end: number): Uint32Array {
    const offsets = this.u32(name, sizes);
    const problem = wrongOffsets(offsets, end);
    return problem === undefined ? offsets : this.fail(`tensor '${name}': ${problem}`);
  }

  fail(why: string): never {
    throw new ArtifactError(`${this.what} does not fit the run (${why}): it is damaged; train again`);
  }

  #get<T extends keyof Types>(name: string, type: T, sizes: Sizes): InstanceType<Types[T]> {
    const found = this.all.get(name);
    if (!found) return this.fail(`it has no tensor '${name}'`);
    const { shape, data } = found;
    const fits = shape.length === sizes.length && sizes.every((n, i) => n === undefined || n === shape[i]);
    if (fits && data instanceof types[type]) return data as InstanceType<Types[T]>;
    return this.fail(
      `tensor '${name}' is ${data.constructor.name} [${shape.join()}], expected ${type} [${sizes.map((n) => n ?? "any").join()}]`,
    );
  }
}
