// The inverse of a small symmetric positive definite matrix. It inverts the diagonal blocks of a large one, whose kernel
// (kernels/inverse) has it as the definition of correct.

/**
 * Gauss and Jordan without pivoting, which a positive definite matrix does not need.
 *
 * @param a f64[n][n], row-major, symmetric; overwritten
 * @returns a, which holds the inverse; undefined when it is not positive definite
 */
export function gaussJordanInverse(a: Float64Array, n: number): Float64Array | undefined {
  for (let k = 0; k < n; k++) {
    const pivot = a[k * n + k]!;
    if (!(pivot > 0)) return undefined;
    for (let i = 0; i < n; i++) {
      if (i === k) continue;
      const factor = a[i * n + k]! / pivot;
      for (let j = 0; j < n; j++) if (j !== k) a[i * n + j]! -= factor * a[k * n + j]!;
      a[i * n + k] = -factor;
    }
    for (let j = 0; j < n; j++) if (j !== k) a[k * n + j]! /= pivot;
    a[k * n + k] = 1 / pivot;
  }
  return a;
}
