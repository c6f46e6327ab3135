// Vectors as short codes for search (--dtype b1, --dtype pq), and what a reader decodes from them.
//
//   b1   books f32[dim + 1][dim]: the mean, and directions m_d    x = mean + s * (sum over d of +m_d or -m_d)
//        bit d, the (d mod 8)-th lowest of byte d / 8, is 1 if (x - mean) . m_d >= 0; the last two bytes are s, a half
//   pq   books f32[bytes][256][dim / bytes]                       x = the centroids that the bytes number, side by side
//
// Source of pq: Jégou, Douze and Schmid 2011 (10.1109/TPAMI.2010.57).

import { fromHalf } from "./safetensors.js";

export interface SearchBooks {
  dim: number;
  /** bytes of a code */
  bytes: number;
  kind: "b1" | "pq";
  books: Float32Array;
}

/** Codes of rows, u8[rows][bytes]. */
export interface SearchCodes extends SearchBooks {
  codes: Uint8Array;
}

/** Returns the bytes of a code of signs: a bit a dimension, and the scale. */
export function bytesOfSigns(dim: number): number {
  return dim / 8 + 2;
}

export function shapeOfBooks({ dim, bytes, kind }: SearchBooks): number[] {
  return kind === "b1" ? [dim + 1, dim] : [bytes, 256, dim / bytes];
}

/** Returns books by the shape of their array; undefined if codes of `bytes` bytes have none of this shape. */
export function booksOfShape(
  shape: readonly number[],
  books: Float32Array,
  bytes: number,
): SearchBooks | undefined {
  const [first, second, width = 0] = shape as [number, number, number?];
  const found: SearchBooks =
    shape.length === 2
      ? { kind: "b1", dim: second, bytes, books }
      : { kind: "pq", dim: first * width, bytes, books };
  const isRight =
    shapeOfBooks(found).join() === shape.join() && (found.kind === "pq" || bytesOfSigns(found.dim) === bytes);
  return isRight && found.dim > 0 ? found : undefined;
}

/** Returns f32[rows * dim]. @param codes u8[rows][bytes] */
export function decodedCodes({ dim, bytes, kind, books }: SearchBooks, codes: Uint8Array): Float32Array {
  const vectors = new Float32Array((codes.length / bytes) * dim);
  for (let [at, from] = [0, 0]; from < codes.length; at += dim, from += bytes) {
    if (kind === "pq") {
      const width = dim / bytes;
      for (let m = 0; m < bytes; m++) {
        const c = (m * 256 + codes[from + m]!) * width;
        vectors.set(books.subarray(c, c + width), at + m * width);
      }
      continue;
    }
    const vector = Float64Array.from(books.subarray(0, dim));
    const scale = fromHalf(codes[from + bytes - 2]! | (codes[from + bytes - 1]! << 8));
    for (let d = 0; d < dim; d++) {
      const sign = (codes[from + (d >> 3)]! >> (d & 7)) & 1 ? scale : -scale;
      for (let i = 0; i < dim; i++) vector[i]! += sign * books[(d + 1) * dim + i]!;
    }
    vectors.set(vector, at);
  }
  return vectors;
}
