// What a tree's gradients and hessians are multiplied by to become integers.
//
// Scales are powers of two, the greatest under which the sum of all magnitudes stays within its bits: then no partial sum, in
// any order, can exceed them either. Gradients have 50 bits and hessians 37: of 16 M rows of which one in a thousand is
// positive, a negative's gradient keeps 24 bits, all that f32 has, and its hessian 12.

import { GRADIENT_BITS, HESSIAN_BITS } from "../../../kernels/gbdt/binding.js";

const view = new DataView(new ArrayBuffer(8));

/**
 * @param sumG sum of |g|, finite
 * @param sumH sum of h, finite
 */
export function scalesOf(sumG: number, sumH: number): { scaleG: number; scaleH: number } {
  return { scaleG: scaleOf(sumG, GRADIENT_BITS), scaleH: scaleOf(sumH, HESSIAN_BITS) };
}

/** The greatest power of two by which a sum stays below 2^bits; 1 for a sum of nothing. */
function scaleOf(sum: number, bits: number): number {
  if (sum === 0) return 1;
  view.setFloat64(0, sum);
  // sum < 2^exponent
  const exponent = (view.getUint16(0) >>> 4) - 1022;
  return 2 ** Math.min(bits - exponent, 512);
}
