// Solves A x = g by Cholesky's factorization A = U'U, four rows of U at a time.
//
//   A, U   f32 panels of [b][b], upper triangle; U overwrites A
//   -U     the negated factor, so that U'U is subtracted by adding tiles (../../shared/assembly/tile.ts)
//
// A direction whose pivot is not above 0 (a padded dimension, or one that the data and the penalty leave free) gets no
// step.

import { addProducts } from "../../shared/assembly/tile";
import { sum4 } from "../../shared/assembly/vector";
import { Scratch } from "./plan";

/** Solves A x = g, for A in `matrix` and g in `gradient`, which are overwritten; writes x to `step`. */
export function choleskySolve(s: Scratch, b: u32): void {
  for (let k: u32 = 0; k < b; k += 4) {
    // subtracts the contributions of the rows of U that are already computed from rows k .. k + 3 of A
    const left = s.negated + ((<usize>(k >>> 3) * b) << 5) + ((<usize>(k & 7)) << 2);
    for (let panel = k >>> 3; panel < b >>> 3; panel++) {
      const right = s.matrix + ((<usize>panel * b) << 5);
      addProducts(left, 32, right, 32, k, right + ((<usize>k) << 5));
    }
    for (let r = k; r < k + 4; r++) factorRow(s, b, r, k + 4);
  }
  substitute(s, b);
}

/**
 * Divides row r of the matrix by the root of its pivot, which makes it a row of U, and subtracts its contribution from
 * rows r + 1 .. end - 1.
 */
function factorRow(s: Scratch, b: u32, r: u32, end: u32): void {
  const pivot = load<f32>(elementAt(s.matrix, b, r, r));
  const inverse: f32 = pivot > 0 ? 1 / sqrt<f32>(pivot) : 0;
  store<f32>(s.inverses + ((<usize>r) << 2), inverse);
  const scale = f32x4.splat(inverse);
  for (let panel = r >>> 3; panel < b >>> 3; panel++) {
    const offset = (<usize>(panel * b + r)) << 5;
    for (let half: usize = 0; half < 32; half += 16) {
      const u = f32x4.mul(v128.load(s.matrix + offset + half), scale);
      v128.store(s.matrix + offset + half, u);
      v128.store(s.negated + offset + half, f32x4.neg(u));
    }
  }
  for (let below = r + 1; below < end; below++) {
    const factor = f32x4.splat(load<f32>(elementAt(s.matrix, b, r, below)));
    for (let panel = r >>> 3; panel < b >>> 3; panel++) {
      const source = s.matrix + ((<usize>(panel * b + r)) << 5);
      const target = s.matrix + ((<usize>(panel * b + below)) << 5);
      v128.store(target, f32x4.sub(v128.load(target), f32x4.mul(factor, v128.load(source))));
      v128.store(target, f32x4.sub(v128.load(target, 16), f32x4.mul(factor, v128.load(source, 16))), 16);
    }
  }
}

/** Solves U'y = g by forward substitution, then U x = y by backward substitution, where U is the Cholesky factor. */
function substitute(s: Scratch, b: u32): void {
  for (let r: u32 = 0; r < b; r++) {
    const at = (<usize>r) << 2;
    const y = load<f32>(s.gradient + at) * load<f32>(s.inverses + at);
    store<f32>(s.step + at, y);
    const factor = f32x4.splat(y);
    for (let panel = r >>> 3; panel < b >>> 3; panel++) {
      const u = s.matrix + ((<usize>(panel * b + r)) << 5);
      const g = s.gradient + ((<usize>panel) << 5);
      v128.store(g, f32x4.sub(v128.load(g), f32x4.mul(factor, v128.load(u))));
      v128.store(g, f32x4.sub(v128.load(g, 16), f32x4.mul(factor, v128.load(u, 16))), 16);
    }
  }
  // solves U x = y from the last row up: x overwrites the gradient, which is no longer needed, and starts as zeros;
  // `step` contains y
  memory.fill(s.gradient, 0, (<usize>b) << 2);
  for (let r = b; r-- > 0;) {
    const at = (<usize>r) << 2;
    let sum = f32x4.splat(0);
    for (let panel = r >>> 3; panel < b >>> 3; panel++) {
      const u = s.matrix + ((<usize>(panel * b + r)) << 5);
      const x = s.gradient + ((<usize>panel) << 5);
      sum = f32x4.add(sum, f32x4.mul(v128.load(u), v128.load(x)));
      sum = f32x4.add(sum, f32x4.mul(v128.load(u, 16), v128.load(x, 16)));
    }
    const x = (load<f32>(s.step + at) - sum4(sum)) * load<f32>(s.inverses + at);
    store<f32>(s.gradient + at, x);
  }
  memory.copy(s.step, s.gradient, (<usize>b) << 2);
}

function elementAt(matrix: usize, b: u32, r: u32, k: u32): usize {
  return matrix + ((<usize>((k >>> 3) * b + r)) << 5) + ((<usize>(k & 7)) << 2);
}
