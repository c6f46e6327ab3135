// Scaling factors for the rows of a graph or a matrix: powers of the rows' degrees, and 0 for empty rows.

import { pow } from "./exp.js";

/** Returns f64[numRows]: the number of entries of each row. @param indptr u32[numRows + 1] */
export function degreesOf(indptr: Uint32Array): Float64Array {
  return Float64Array.from({ length: indptr.length - 1 }, (_, r) => indptr[r + 1]! - indptr[r]!);
}

/** Returns f32: 1 / sqrt(x) for each number x, and 0 for 0. */
export function inverseRoots(degrees: Float64Array): Float32Array {
  return Float32Array.from(degrees, (x) => (x > 0 ? 1 / Math.sqrt(x) : 0));
}

/** Returns f64: x^exponent for each number x, and 0 for 0. */
export function powersOf(degrees: Float64Array, exponent: number): Float64Array {
  return degrees.map((x) => (x > 0 ? pow(x, exponent) : 0));
}
