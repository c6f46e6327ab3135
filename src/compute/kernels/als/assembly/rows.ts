// Steps of solving rows of W (main.ts has the equations and the symbols). The caller chooses whether the events of a
// row are all in memory or arrive block after block; the sums, and so the bits of the result, are the same.

import { CHUNK, Scratch, Side } from "./plan";
import { addProducts } from "../../shared/assembly/tile";
import { dotByEights, sum4 } from "../../shared/assembly/vector";

export function rowOf(matrix: usize, D: u32, row: u32): usize {
  return matrix + ((<usize>row * D) << 2);
}

function confidenceOf(side: Side, event: u32): f32 {
  return side.confidences == 0 ? 1 : load<f32>(side.confidences + ((<usize>event) << 2));
}

/** Returns the L2 penalty of a row; below 0, the row is not updated. */
export function penaltyOf(side: Side, row: u32): f32 {
  return load<f32>(side.penalties + ((<usize>row) << 2));
}

/** Packs up to eight rows of W, four side by side: f32[2][D][4]. */
export function pack(side: Side, s: Scratch, first: u32, numRows: u32): void {
  const D = side.dim;
  for (let q: u32 = 0; q < numRows; q++) {
    const w = rowOf(side.rows, D, first + q);
    const target = packedAt(s, D, q);
    for (let d: usize = 0; d < D; d++) store<f32>(target + (d << 4), load<f32>(w + (d << 2)));
  }
}

export function packedAt(s: Scratch, D: u32, q: u32): usize {
  return s.packed + ((<usize>(q >>> 2) * D) << 4) + ((<usize>(q & 3)) << 2);
}

/** Writes the score of each event of the row to `predictions`, whose first element is that of event `start`. */
export function predict(side: Side, s: Scratch, row: u32, start: u32): void {
  const D = side.dim;
  const w = rowOf(side.rows, D, row);
  const end = load<u32>(side.indptr + ((<usize>row) << 2), 4);
  for (let e = load<u32>(side.indptr + ((<usize>row) << 2)); e < end; e++) {
    const h = rowOf(side.others, D, load<u32>(side.indices + ((<usize>e) << 2)));
    store<f32>(s.predictions + ((<usize>(e - start)) << 2), dotByEights(w, h, D));
  }
}

/** Writes the products of the packed rows with columns from .. from + width - 1 of the Gram matrix to `products`. */
export function multiplyGram(side: Side, s: Scratch, from: u32, width: u32, numRows: u32): void {
  const D = side.dim;
  const numPanels = width >>> 3;
  for (let group: u32 = 0; group << 2 < numRows; group++) {
    const left = s.packed + ((<usize>group * D) << 4);
    for (let panel: u32 = 0; panel < numPanels; panel++) {
      const tile = s.products + ((<usize>(group * numPanels + panel)) << 7);
      memory.fill(tile, 0, 128);
      addProducts(left, 16, side.gram + ((<usize>((from >>> 3) + panel) * D) << 5), 32, D, tile);
    }
  }
}

/** Sets a row's A and g to the terms of all pairs (from the Gram matrix) and of the penalty. */
export function startRow(side: Side, s: Scratch, row: u32, q: u32, from: u32, width: u32): void {
  const D = side.dim;
  const numPanels = width >>> 3;
  const penalty = penaltyOf(side, row);
  const w = rowOf(side.rows, D, row) + ((<usize>from) << 2);
  for (let panel: u32 = 0; panel < numPanels; panel++) {
    const source = side.gram + ((<usize>(((from >>> 3) + panel) * D + from)) << 5);
    memory.copy(s.matrix + ((<usize>panel * width) << 5), source, (<usize>((panel + 1) << 3)) << 5);
    const products = s.products + ((<usize>((q >>> 2) * numPanels + panel)) << 7) + ((<usize>(q & 3)) << 5);
    for (let k: usize = 0; k < 32; k += 16) {
      const at = ((<usize>panel) << 5) + k;
      const p = f32x4.mul(f32x4.splat(penalty), v128.load(w + at));
      v128.store(s.gradient + at, f32x4.add(v128.load(products + k), p));
    }
  }
  for (let k: u32 = 0; k < width; k++) {
    const diagonal = s.matrix + ((<usize>((k >>> 3) * width + k)) << 5) + ((<usize>(k & 7)) << 2);
    store<f32>(diagonal, load<f32>(diagonal) + penalty);
  }
}

/** Adds the terms of a row's events to its A and g. */
export function addRow(side: Side, s: Scratch, row: u32, from: u32, width: u32, start: u32): void {
  const end = load<u32>(side.indptr + ((<usize>row) << 2), 4);
  for (let e = load<u32>(side.indptr + ((<usize>row) << 2)); e < end; e += CHUNK) {
    addEvents(side, s, e, min(CHUNK, end - e), from, width, start);
  }
}

/** Solves A x = g, and subtracts the solution from the row's block of dimensions. */
export function moveRow(side: Side, s: Scratch, row: u32, from: u32, width: u32): void {
  choleskySolve(s, width);
  const w = rowOf(side.rows, side.dim, row) + ((<usize>from) << 2);
  for (let k: usize = 0; k < width; k++) {
    store<f32>(w + (k << 2), load<f32>(w + (k << 2)) - load<f32>(s.step + (k << 2)));
  }
}

/** Adapts the predicted scores of a row's events to the step of the row's block of dimensions. */
export function adaptPredictions(side: Side, s: Scratch, row: u32, from: u32, width: u32, start: u32): void {
  const end = load<u32>(side.indptr + ((<usize>row) << 2), 4);
  for (let e = load<u32>(side.indptr + ((<usize>row) << 2)); e < end; e++) {
    const h =
      rowOf(side.others, side.dim, load<u32>(side.indices + ((<usize>e) << 2))) + ((<usize>from) << 2);
    const at = s.predictions + ((<usize>(e - start)) << 2);
    store<f32>(at, load<f32>(at) - dotByEights(s.step, h, width));
  }
}

/** Adds the terms of a chunk of events: gathers their vectors h into panels, then multiplies the panels. */
function addEvents(side: Side, s: Scratch, e: u32, n: u32, from: u32, width: u32, start: u32): void {
  const D = side.dim;
  const numPanels = width >>> 3;
  const weighted = side.confidences != 0;
  for (let t: u32 = 0; t < n; t++) {
    const h = rowOf(side.others, D, load<u32>(side.indices + ((<usize>(e + t)) << 2))) + ((<usize>from) << 2);
    const c = confidenceOf(side, e + t);
    store<f32>(
      s.gradients + ((<usize>t) << 2),
      c * (load<f32>(s.predictions + ((<usize>(e + t - start)) << 2)) - 1),
    );
    for (let panel: u32 = 0; panel < numPanels; panel++) {
      const at = (<usize>(panel * CHUNK + t)) << 5;
      const x0 = v128.load(h + ((<usize>panel) << 5));
      const x1 = v128.load(h + ((<usize>panel) << 5), 16);
      v128.store(s.gathered + at, x0);
      v128.store(s.gathered + at, x1, 16);
      if (weighted) {
        v128.store(s.weighted + at, f32x4.mul(f32x4.splat(c), x0));
        v128.store(s.weighted + at, f32x4.mul(f32x4.splat(c), x1), 16);
      }
    }
  }

  const right = weighted ? s.weighted : s.gathered;
  for (let panel: u32 = 0; panel < numPanels; panel++) {
    const x = s.gathered + ((<usize>panel * CHUNK) << 5);
    addGradients(s.gradients, x, n, s.gradient + ((<usize>panel) << 5));
    const cx = right + ((<usize>panel * CHUNK) << 5);
    for (let k: u32 = 0; k <= (panel << 3) + 4; k += 4) {
      const left = s.gathered + ((<usize>(k >>> 3) * CHUNK) << 5) + ((<usize>(k & 7)) << 2);
      addProducts(left, 32, cx, 32, n, s.matrix + ((<usize>(panel * width + k)) << 5));
    }
  }
}

/** Adds n rows of a panel, eight floats each, times their gradients, to the eight floats at `target`. */
function addGradients(gradients: usize, panel: usize, n: u32, target: usize): void {
  let g0 = v128.load(target);
  let g1 = v128.load(target, 16);
  for (let t: u32 = 0; t < n; t++, gradients += 4, panel += 32) {
    const gradient = v128.load32_splat(gradients);
    g0 = f32x4.add(g0, f32x4.mul(gradient, v128.load(panel)));
    g1 = f32x4.add(g1, f32x4.mul(gradient, v128.load(panel, 16)));
  }
  v128.store(target, g0);
  v128.store(target, g1, 16);
}

/** Adds confidence (1 - score)^2 of each of a row's events to a loss, in the order of the events. */
export function addLoss(loss: f64, side: Side, s: Scratch, row: u32, start: u32): f64 {
  const end = load<u32>(side.indptr + ((<usize>row) << 2), 4);
  for (let e = load<u32>(side.indptr + ((<usize>row) << 2)); e < end; e++) {
    const missing = 1 - <f64>load<f32>(s.predictions + ((<usize>(e - start)) << 2));
    loss += <f64>confidenceOf(side, e) * missing * missing;
  }
  return loss;
}

// Cholesky's factorization A = U'U, four rows of U at a time:
//
//   A, U   f32 panels of [b][b], upper triangle; U overwrites A
//   -U     the negated factor, so that U'U is subtracted by adding tiles (../../shared/assembly/tile.ts)

/**
 * Solves A x = g, for A in `matrix` and g in `gradient`, which are overwritten; writes x to `step`. A direction whose
 * pivot is not above 0 (a padded dimension, or one that the data and the penalty leave free) gets no step.
 */
function choleskySolve(s: Scratch, b: u32): void {
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

/** Makes row r of the matrix a row of U, and subtracts its contribution from rows r + 1 .. end - 1. */
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

/** Solves U'y = g, then U x = y. */
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
