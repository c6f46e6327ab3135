// Parses an array in numpy's format, and reads rows of numbers in the types of exports: f32, f64, halves, and i8 with a
// scale per row.
//
// Source: numpy.lib.format, versions 1.0 to 3.0.

import { fromHalf } from "../safetensors.js";
import type { RowRange } from "../table.js";
import { DataError } from "../../base/errors.js";

export interface NpyArray {
  /** numpy's name of the type of the elements */
  descr: string;
  shape: number[];
  /** bytes of the elements, aligned for any element type */
  data: Uint8Array<ArrayBuffer>;
}

/** Elements of vectors. A Uint16Array contains the bits of 16-bit floats. */
export type Elements = Float32Array | Float64Array | Uint16Array | Int8Array;

export interface NpyHeader extends Omit<NpyArray, "data"> {
  dataStart: number;
}

/** Number of bytes from which `npyDataStart` reads. */
export const NPY_PREFIX = 12;

/** Returns the position of the elements from a file's first NPY_PREFIX bytes; undefined if it is not an npy file. */
export function npyDataStart(first: Buffer): number | undefined {
  if (first.length < NPY_PREFIX || first.toString("latin1", 0, 6) !== "\x93NUMPY") return undefined;
  return first[6] === 1 ? 10 + first.readUInt16LE(8) : 12 + first.readUInt32LE(8);
}

/** Parses the header of a file; undefined if it is invalid, or the array is not in row order. */
export function npyHeader(bytes: Uint8Array): NpyHeader | undefined {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const dataStart = npyDataStart(buffer);
  if (dataStart === undefined) return undefined;
  const header = buffer.toString("utf8", buffer[6] === 1 ? 10 : 12, dataStart);
  const descr = /'descr': '([^']+)'/.exec(header)?.[1];
  const shape = /'shape': \(([^)]*)\)/.exec(header)?.[1];
  if (descr === undefined || shape === undefined || !header.includes("'fortran_order': False"))
    return undefined;
  const sizes = shape
    .split(",")
    .filter((n) => n.trim() !== "")
    .map(Number);
  if (!sizes.every((n) => Number.isSafeInteger(n) && n >= 0)) return undefined;
  return { descr, shape: sizes, dataStart };
}

/** Parses the array of a file; undefined if it is invalid or not in row order. */
export function parseNpy(bytes: Uint8Array): NpyArray | undefined {
  const header = npyHeader(bytes);
  return header && { ...header, data: new Uint8Array(bytes.subarray(header.dataStart)) };
}

/** From little-endian u32 code points; undefined for another type, or if there is less data than the shape says. */
export function fixedWidthTexts({ descr, shape, data }: NpyArray): (string | undefined)[] | undefined {
  const width = Number(/^<U(\d+)$/.exec(descr)?.[1]);
  if (!(width >= 1) || shape.length !== 1 || data.length < 4 * width * shape[0]!) return undefined;
  const points = new Uint32Array(data.buffer, 0, width * shape[0]!);
  return Array.from({ length: shape[0]! }, (_, r) => {
    const row = points.subarray(r * width, (r + 1) * width);
    let end = width;
    while (end > 0 && row[end - 1] === 0) end--;
    // characters are appended one by one, because passing all of them as arguments fails for a key of 100,000
    // characters
    const text: string[] = [];
    for (const point of row.subarray(0, end)) {
      if (point > 0x10ffff || (point >= 0xd800 && point < 0xe000)) return undefined;
      text.push(String.fromCodePoint(point));
    }
    return text.join("");
  });
}

const elements = { "<f4": Float32Array, "<f8": Float64Array, "<f2": Uint16Array, "|i1": Int8Array };

/** Returns the type of the elements of vectors; undefined if vectors cannot have this type. */
export function elementType(descr: string): (typeof elements)[keyof typeof elements] | undefined {
  return Object.hasOwn(elements, descr) ? elements[descr as keyof typeof elements] : undefined;
}

/** @throws {DataError} always: vectors of this type cannot be read, or the file is truncated */
export function failVectors(descr: string, file: string, withScales = ""): never {
  throw new DataError(
    `vectors of type ${descr}${withScales}: expected <f4, <f8 or <f2, |i1 with a scale a row (<f4), or |u1 ` +
      "with books.npy, and the file whole",
    { file },
  );
}

export function elementsOf({ descr, shape, data }: NpyArray, file: string): Elements {
  const type = elementType(descr) ?? failVectors(descr, file);
  const size = shape.reduce((product, n) => product * n, 1);
  if (data.length < size * type.BYTES_PER_ELEMENT) failVectors(descr, file);
  return new type(data.buffer, 0, size);
}

export function scalesOf(scale: NpyArray, numRows: number, file: string): Elements {
  const { descr, shape, data } = scale;
  const size = shape.reduce((product, n) => product * n, 1);
  if (descr !== "<f4" || shape[0] !== numRows || size !== numRows || data.length < 4 * numRows)
    failVectors("|i1", file, ` with scales of type ${descr}, [${shape.join(", ")}]`);
  return elementsOf(scale, file);
}

/** Maximum number of bytes of vectors in a block of rows. */
const BLOCK_BYTES = 1 << 20;

export function* blocksOfRows(numRows: number, rowBytes: number): Generator<RowRange> {
  const size = Math.max(1, Math.floor(BLOCK_BYTES / Math.max(1, rowBytes)));
  for (let first = 0; first < numRows; first += size) yield { first, last: Math.min(first + size, numRows) };
}

/** @param scales f32[rows], for i8 */
export function rowReader(
  values: Elements,
  dim: number,
  scales?: ArrayLike<number>,
): (row: number) => ArrayLike<number> {
  const rowAt = (row: number): Elements => values.subarray(row * dim, (row + 1) * dim);
  if (values.BYTES_PER_ELEMENT === 2) return (row) => Float32Array.from(rowAt(row), (bits) => fromHalf(bits));
  // rounds the products to 32 bits, as other readers of this format do
  if (scales) return (row) => Float32Array.from(rowAt(row), (q) => q * scales[row]!);
  return rowAt;
}
