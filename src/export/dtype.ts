// Converts batches of f32 vectors to types with fewer bits (--dtype).
//
//   f16   the nearest IEEE half, ties to even; largest 65504
//   i8    q = round(127 v / m) with m the row's largest magnitude, so that v is about scale * q with scale = m / 127,
//         f32[rows]; a row of zeros has scale 0
//
// `decoded` computes what a reader gets; the loss is measured with it (use/export/dtype-loss.ts).

import { DataError } from "../base/errors.js";
import { fromHalf } from "../table/safetensors.js";

export const dtypes = ["f32", "f16", "i8"] as const;
export type Dtype = (typeof dtypes)[number];

export const dtypeNames = {
  f32: { numpy: "<f4", safetensors: "F32", bytes: 4 },
  f16: { numpy: "<f2", safetensors: "F16", bytes: 2 },
  i8: { numpy: "|i1", safetensors: "I8", bytes: 1 },
} as const;

export interface Encoded {
  /** one element per number of the vectors, row by row: an f32, the bits of a half, or an i8 */
  values: Float32Array | Uint16Array | Int8Array;
  /** scale of each row, f32[rows]; only for i8 */
  scales?: Float32Array;
}

/** @param vectors f32[rows * dim] @throws {DataError} a number exceeds the largest half */
export function encoded(vectors: Float32Array, dim: number, dtype: Dtype): Encoded {
  if (dtype === "f32") return { values: vectors };
  if (dtype === "f16") return { values: halves(vectors) };
  const numRows = vectors.length / dim;
  const [values, scales] = [new Int8Array(vectors.length), new Float32Array(numRows)];
  for (let row = 0; row < numRows; row++) {
    const [from, to] = [row * dim, (row + 1) * dim];
    let largest = 0;
    for (let i = from; i < to; i++) largest = Math.max(largest, Math.abs(vectors[i]!));
    if (largest === 0) continue;
    scales[row] = largest / 127;
    for (let i = from; i < to; i++) values[i] = Math.round((127 * vectors[i]!) / largest);
  }
  return { values, scales };
}

/** Returns the vectors as a reader of the file decodes them, as f32 numbers. */
export function decoded({ values, scales }: Encoded, dim: number, dtype: Dtype): Float32Array {
  const at =
    dtype === "f16"
      ? (x: number) => fromHalf(x)
      : (x: number, i: number) => (scales ? x * scales[Math.floor(i / dim)]! : x);
  return Float32Array.from(values, at);
}

function halves(vectors: Float32Array): Uint16Array {
  const bits = new Uint32Array(vectors.buffer, vectors.byteOffset, vectors.length);
  const out = new Uint16Array(vectors.length);
  for (let i = 0; i < vectors.length; i++) {
    const magnitude = bits[i]! & 0x7fffffff;
    const half = magnitude < 0x38800000 ? subnormal(Math.abs(vectors[i]!)) : normal(magnitude);
    if (half >= 0x7c00)
      throw new DataError(
        `--dtype f16 is limited to 65504, but a vector has ${vectors[i]}: use --dtype i8, or --normalize l2`,
      );
    out[i] = ((bits[i]! >>> 16) & 0x8000) | half;
  }
  return out;
}

/** Numbers of at least 2^-14: rounds away 13 bits of the fraction, and changes the exponent's bias from 127 to 15. */
function normal(magnitude: number): number {
  return (magnitude + 0xfff + ((magnitude >>> 13) & 1) - 0x38000000) >>> 13;
}

/** Numbers below 2^-14: rounds to a multiple of 2^-24. */
function subnormal(magnitude: number): number {
  const units = magnitude * 2 ** 24;
  const below = Math.floor(units);
  const rest = units - below;
  return below + (rest > 0.5 || (rest === 0.5 && below % 2 === 1) ? 1 : 0);
}
