// Solves small symmetric systems A x = b with A = L L'.
//
// Source: Golub and Van Loan, Matrix Computations, algorithm 4.2.1, row by row. Terms are added in the order of the
// columns, so that all machines compute the same bits.

/**
 * Solves A x = b; A and b are overwritten.
 *
 * @param a f64[n * n], row-major, symmetric; only the lower triangle is read
 * @param b f64[n]
 * @returns b, which contains x; undefined if A is not positive definite
 */
export function solveCholesky(a: Float64Array, b: Float64Array): Float64Array | undefined {
  const n = b.length;
  // computes L in the lower triangle of A
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = a[i * n + j]!;
      for (let k = 0; k < j; k++) sum -= a[i * n + k]! * a[j * n + k]!;
      if (i === j) {
        if (!(sum > 0)) return undefined;
        a[i * n + i] = Math.sqrt(sum);
      } else a[i * n + j] = sum / a[j * n + j]!;
    }
  }
  // solves L y = b by forward substitution
  for (let i = 0; i < n; i++) {
    let sum = b[i]!;
    for (let k = 0; k < i; k++) sum -= a[i * n + k]! * b[k]!;
    b[i] = sum / a[i * n + i]!;
  }
  // solves L' x = y by backward substitution
  for (let i = n - 1; i >= 0; i--) {
    let sum = b[i]!;
    for (let k = i + 1; k < n; k++) sum -= a[k * n + i]! * b[k]!;
    b[i] = sum / a[i * n + i]!;
  }
  return b;
}
