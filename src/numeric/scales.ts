// What a graph's or a matrix's rows are scaled by: powers of their degrees, and 0 where there is nothing to scale.

import { pow } from "./exp.js";

/** f64[numRows]: entries of each row. @param indptr u32[numRows + 1] */
export function degreesOf(indptr: Uint32Array): Float64Array {
  return Float64Array.from({ length: indptr.length - 1 }, (_, r) => indptr[r + 1]! - indptr[r]!);
}

/** f32: 1 / sqrt(x); of 0 0. */
export function inverseRoots(degrees: Float64Array): Float32Array {
  return Float32Array.from(degrees, (x) => (x > 0 ? 1 / Math.sqrt(x) : 0));
}

/** f64: x^exponent; of 0 0. */
export function powersOf(degrees: Float64Array, exponent: number): Float64Array {
  return degrees.map((x) => (x > 0 ? pow(x, exponent) : 0));
}
