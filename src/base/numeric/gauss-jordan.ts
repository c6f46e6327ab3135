// Inverts a small symmetric positive definite matrix, such as a diagonal block of a large matrix. It is also the
// reference for the kernel of the large inverse (compute/kernels/inverse).

/**
 * Gauss-Jordan elimination without pivoting, because a positive definite matrix needs none.
 *
 * @param a f64[n][n], row-major, symmetric; overwritten
 * @returns a, which contains the inverse; undefined if it is not positive definite
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
