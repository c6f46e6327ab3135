// The plateau filter: a spectral filter of a user-item graph, close to 1 for components that many users share, and
// close to 0 for components of few users.
//
//   c(P) = sum over k of c_k T_k(L)      L = I - 2 P      P  the normalized graph of items, eigenvalues in [0, 1]
//
// Source: Kim et al. 2025 (ChebyCF, arXiv:2505.00552).

import { cosDegrees } from "../../../base/numeric/degrees.js";
import { pow } from "../../../base/numeric/exp.js";

/** Degree K of the polynomial in ChebyCF. */
const DEGREE = 8;

/** Flatness of the plateau in ChebyCF. */
export const FLATNESS = 1.5;

/**
 * Returns the Chebyshev coefficients of the plateau filter in L = I - 2 P: close to 1 for eigenvalues of P close to 1,
 * 1/2 in the middle, and close to 0 for eigenvalues close to 0.
 *
 * The targets are evaluated at rounded nodes, with three decimals, as in ChebyCF's public code, because exact nodes
 * gave worse rankings.
 *
 * The plateau minus 1/2 is odd in L, and so is the polynomial: coefficients of even k > 0 are 0, including that of K,
 * so no product with P is computed for it.
 *
 * @returns f64[8]
 */
export function plateauCoefficients(flatness: number): Float64Array {
  const K = DEGREE;
  const targets = Array.from({ length: K + 1 }, (_, i) => {
    const y = Math.round(cosDegrees(((K - i) * 180) / K) * 1000) / 1000;
    const half = 0.5 * pow(Math.abs(y), flatness);
    return y < 0 ? 0.5 + half : 0.5 - half;
  });
  return Float64Array.from({ length: K }, (_, k) => {
    if (k > 0 && k % 2 === 0) return 0;
    let sum = 0;
    // Chebyshev polynomials: T_k(cos t) = cos k t
    for (let j = 1; j <= K + 1; j++) sum += targets[j - 1]! * cosDegrees((k * (K + 1.5 - j) * 180) / (K + 1));
    return ((k === 0 ? 1 : 2) / (K + 1)) * sum;
  });
}
