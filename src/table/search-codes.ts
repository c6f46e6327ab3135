// Vectors as short codes for search (--dtype b1, pq or rq), and what a reader decodes from them.
//
//   b1   books f32[dim + 1][dim]: the mean, and directions m_d    x = mean + s * (sum over d of +m_d or -m_d)
//        bit d, the (d mod 8)-th lowest of byte d / 8, is 1 if (x - mean) . m_d >= 0; the last two bytes are s, a half
//   pq   books f32[bytes][256][dim / bytes]                       x = the centroids that the bytes number, side by side
//   rq   books f32[256 * bytes][dim]                              x = the sum of rows 256 * l + byte l
//
// Sources: pq Jégou, Douze and Schmid 2011 (10.1109/TPAMI.2010.57), rq Chen et al. 2010 (10.3390/s101211259).

import { fromHalf } from "./safetensors.js";

/** Types of search codes: signs, product codes and residual codes. */
export const codeTypes = ["b1", "pq", "rq"] as const;
export type CodeType = (typeof codeTypes)[number];

export function isCodeType(dtype: string): dtype is CodeType {
  return (codeTypes as readonly string[]).includes(dtype);
}

export interface SearchBooks {
  dim: number;
  /** bytes of a code */
  bytes: number;
  kind: CodeType;
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
  if (kind === "pq") return [bytes, 256, dim / bytes];
  return [kind === "b1" ? dim + 1 : 256 * bytes, dim];
}

/** Returns books by the shape of their array; undefined if codes of `bytes` bytes have none of this shape. */
export function booksOfShape(
  shape: readonly number[],
  books: Float32Array,
  bytes: number,
): SearchBooks | undefined {
  const [first, second, width = 0] = shape as [number, number, number?];
  const dim = shape.length === 3 ? first * width : second;
  const kinds = codeTypes.filter((kind) => kind !== "b1" || bytesOfSigns(dim) === bytes);
  const kind = kinds.find((each) => shapeOfBooks({ kind: each, dim, bytes, books }).join() === shape.join());
  return kind && dim > 0 ? { kind, dim, bytes, books } : undefined;
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
    if (kind === "rq") {
      for (let l = 0; l < bytes; l++)
        for (let [d, c] = [0, (256 * l + codes[from + l]!) * dim]; d < dim; d++)
          vectors[at + d]! += books[c + d]!;
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
