// Eigenvalues of small symmetric matrices, largest first: Householder's reduction to tridiagonal form, and the QL
// algorithm.
//
//   A = Z T Z'     T  tridiagonal       T = W D W'       eigenvectors Z W
//
// Vectors are stored as rows during the computation, so that a rotation passes over two rows instead of two columns.
//
// Source: Martin, Reinsch and Wilkinson 1968 (tred2, 10.1007/BF02161360) and Bowdler, Martin, Reinsch and Wilkinson
// 1968 (tql2,
// 10.1007/BF02161361), in the form of JAMA.

export interface Eigen {
  size: number;
  /** eigenvalues in descending order, f64[size] */
  values: Float64Array;
  /** f64[size][size]: eigenvectors as columns */
  vectors: Float64Array;
}

/**
 * Returns eigenvalues and eigenvectors.
 * @param entries f64[size][size], of which those on and above the diagonal are read
 */
export function eigenOf(entries: ArrayLike<number>, size: number): Eigen {
  const rows = new Float64Array(size * size);
  for (let r = 0; r < size; r++) {
    for (let c = r; c < size; c++) rows[r * size + c] = rows[c * size + r] = entries[r * size + c]!;
  }
  const [diagonal, beside] = [new Float64Array(size), new Float64Array(size)];
  tridiagonalize(rows, size, diagonal, beside);
  diagonalize(rows, size, diagonal, beside);

  const order = Uint32Array.from(diagonal.keys()).sort((a, b) => diagonal[b]! - diagonal[a]! || a - b);
  const vectors = new Float64Array(size * size);
  order.forEach((from, i) => {
    for (let r = 0; r < size; r++) vectors[r * size + i] = rows[from * size + r]!;
  });
  return { size, values: Float64Array.from(order, (i) => diagonal[i]!), vectors };
}

/**
 * Reduces a symmetric matrix to tridiagonal form. Each step processes one row and column, from the last to the first.
 *
 * @param Z f64[n][n]: the matrix; receives Z', with one row for each column of Z
 * @param d f64[n]: receives the diagonal; contains the vector of the reflection during the computation
 * @param e f64[n]: receives the subdiagonal, from 1 on
 */
function tridiagonalize(Z: Float64Array, n: number, d: Float64Array, e: Float64Array): void {
  for (let j = 0; j < n; j++) d[j] = Z[j * n + n - 1]!;
  for (let i = n - 1; i > 0; i--) {
    let [scale, h] = [0, 0];
    for (let k = 0; k < i; k++) scale += Math.abs(d[k]!);
    if (scale === 0) {
      // the row has no entry to eliminate, so no reflection is needed
      e[i] = d[i - 1]!;
      for (let j = 0; j < i; j++) {
        d[j] = Z[j * n + i - 1]!;
        Z[j * n + i] = Z[i * n + j] = 0;
      }
      d[i] = h;
      continue;
    }

    // computes the reflection that leaves only the subdiagonal entry of the row
    for (let k = 0; k < i; k++) {
      d[k]! /= scale;
      h += d[k]! * d[k]!;
    }
    const length = d[i - 1]! > 0 ? -Math.sqrt(h) : Math.sqrt(h);
    e[i] = scale * length;
    h -= d[i - 1]! * length;
    d[i - 1]! -= length;

    // computes e = (A d) / h minus its component along d; A is stored as the rows of its lower triangle
    e.fill(0, 0, i);
    for (let j = 0; j < i; j++) {
      const f = d[j]!;
      Z[i * n + j] = f;
      let g = e[j]! + Z[j * n + j]! * f;
      for (let k = j + 1, at = j * n + k; k < i; k++, at++) {
        g += Z[at]! * d[k]!;
        e[k]! += Z[at]! * f;
      }
      e[j] = g;
    }
    let along = 0;
    for (let j = 0; j < i; j++) {
      e[j]! /= h;
      along += e[j]! * d[j]!;
    }
    const half = along / (h + h);
    for (let j = 0; j < i; j++) e[j]! -= half * d[j]!;

    // subtracts d e' + e d' from the matrix: the reflection is applied on both sides
    for (let j = 0; j < i; j++) {
      const f = d[j]!;
      const g = e[j]!;
      for (let k = j, at = j * n + k; k < i; k++, at++) Z[at]! -= f * e[k]! + g * d[k]!;
      d[j] = Z[j * n + i - 1]!;
      Z[j * n + i] = 0;
    }
    d[i] = h;
  }

  // computes the product of the reflections of all steps, an orthogonal matrix
  for (let i = 0; i < n - 1; i++) {
    Z[i * n + n - 1] = Z[i * n + i]!;
    Z[i * n + i] = 1;
    const h = d[i + 1]!;
    const next = (i + 1) * n;
    if (h !== 0) {
      for (let k = 0; k <= i; k++) d[k] = Z[next + k]! / h;
      for (let j = 0; j <= i; j++) {
        const row = j * n;
        let g = 0;
        for (let k = 0; k <= i; k++) g += Z[next + k]! * Z[row + k]!;
        for (let k = 0; k <= i; k++) Z[row + k]! -= g * d[k]!;
      }
    }
    Z.fill(0, next, next + i + 1);
  }
  for (let j = 0; j < n; j++) {
    d[j] = Z[j * n + n - 1]!;
    Z[j * n + n - 1] = 0;
  }
  Z[n * n - 1] = 1;
  e[0] = 0;
}

/**
 * Diagonalizes a tridiagonal matrix by implicit QL steps, and applies them to the rows of Z'.
 *
 * @param Z f64[n][n]: Z'; receives the eigenvectors, as rows
 * @param d f64[n]: the diagonal; receives the eigenvalues
 * @param e f64[n]: the subdiagonal, from 1 on; receives 0
 */
function diagonalize(Z: Float64Array, n: number, d: Float64Array, e: Float64Array): void {
  e.copyWithin(0, 1);
  e[n - 1] = 0;
  let [shifted, greatest] = [0, 0];
  for (let l = 0; l < n; l++) {
    greatest = Math.max(greatest, Math.abs(d[l]!) + Math.abs(e[l]!));
    const isLarge = (i: number) => Math.abs(e[i]!) > Number.EPSILON * greatest;
    let m = l;
    while (isLarge(m)) m++;
    while (isLarge(l)) {
      // computes the implicit shift from the leading 2 x 2 block
      const first = d[l]!;
      let p = (d[l + 1]! - first) / (2 * e[l]!);
      const root = p < 0 ? -hypotenuse(p, 1) : hypotenuse(p, 1);
      d[l] = e[l]! / (p + root);
      d[l + 1] = e[l]! * (p + root);
      const second = d[l + 1]!;
      const shift = first - d[l]!;
      for (let i = l + 2; i < n; i++) d[i]! -= shift;
      shifted += shift;

      // applies rotations to rows m - 1 down to l
      p = d[m]!;
      const nextBeside = e[l + 1]!;
      let [c, c2, c3, s, s2] = [1, 1, 1, 0, 0];
      for (let i = m - 1; i >= l; i--) {
        c3 = c2;
        c2 = c;
        s2 = s;
        const g = c * e[i]!;
        const h = c * p;
        const r = hypotenuse(p, e[i]!);
        e[i + 1] = s * r;
        s = e[i]! / r;
        c = p / r;
        p = c * d[i]! - s * g;
        d[i + 1] = h + s * (c * g + s * d[i]!);
        rotate(Z, i * n, n, c, s);
      }
      p = (-s * s2 * c3 * nextBeside * e[l]!) / second;
      e[l] = s * p;
      d[l] = c * p;
    }
    d[l]! += shifted;
    e[l] = 0;
  }
}

function rotate(Z: Float64Array, row: number, n: number, c: number, s: number): void {
  for (let at = row; at < row + n; at++) {
    const x = Z[at]!;
    const y = Z[at + n]!;
    Z[at + n] = s * x + c * y;
    Z[at] = c * x - s * y;
  }
}

/** Returns sqrt(a^2 + b^2) without overflow. */
function hypotenuse(a: number, b: number): number {
  const most = Math.max(Math.abs(a), Math.abs(b));
  if (most === 0) return 0;
  const ratio = Math.min(Math.abs(a), Math.abs(b)) / most;
  return most * Math.sqrt(1 + ratio * ratio);
}
