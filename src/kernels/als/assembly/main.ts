// Alternating least squares for implicit feedback: updates the vectors of one side (users or items) with the other side
// fixed.
//
//   objective   sum over events of c (1 - s)^2  +  a sum over all pairs of s^2  +  sum over rows of p |w|^2
//   score       s = <w, h>
//
//   W  f32[n][D]  the side that is updated    H  f32[m][D]  the other side
//   c  confidence of an event                 a  weight of unobserved pairs
//   D  dim, padded by zeros to a multiple of 8
//   p  penalty of a row; p < 0 leaves the row unchanged
//   b  dimensions solved together (block; D solves a row exactly)                  G  a H'H
//
// A row's dimensions are solved block after block; each block sees the new values of the blocks before (Rendle et al.
// 2021, "iALS++", arXiv:2110.14044, algorithm 1):
//
//   A = sum c h_b h_b' + G_bb + p I      g = sum c (s - 1) h_b + (G w)_b + p w_b      w_b -= A^-1 g
//
// Matrices are stored in panels of eight columns, so that every product consists of the tiles of math/tile.ts: element
// (r, k) of an f32[R][K] is at ((k / 8) R + r) 8 + k % 8. A row's result depends on no other row of W, so any thread
// may solve any rows. ../binding.ts writes the structs. Twin: ../als.reference.ts.

import { choleskySolve } from "./cholesky";
import { CHUNK, ROWS, Scratch, Side } from "./plan";
import { addProducts } from "../../shared/assembly/tile";
import { dotByEights } from "../../shared/assembly/vector";

function rowOf(matrix: usize, D: u32, row: u32): usize {
  return matrix + ((<usize>row * D) << 2);
}

function confidenceOf(side: Side, event: u32): f32 {
  return side.confidences == 0 ? 1 : load<f32>(side.confidences + ((<usize>event) << 2));
}

/**
 * Updates consecutive rows of W, and writes the sum of c (1 - s)^2 of each to `losses`.
 *
 * @param scratch buffers of this thread
 */
export function solveRows(side: Side, scratch: Scratch, first: u32, numRows: u32): void {
  for (let from: u32 = 0; from < numRows; from += ROWS) {
    solveBatch(side, scratch, first + from, min(ROWS, numRows - from));
  }
}

function solveBatch(side: Side, s: Scratch, first: u32, numRows: u32): void {
  const D = side.dim;
  const start = load<u32>(side.indptr + ((<usize>first) << 2));
  pack(side, s, first, numRows);
  for (let q: u32 = 0; q < numRows; q++) predict(side, s, first + q, start);

  for (let from: u32 = 0; from < D; from += side.block) {
    const width = min(side.block, D - from);
    multiplyGram(side, s, from, width, numRows);
    for (let q: u32 = 0; q < numRows; q++) stepRow(side, s, first + q, q, from, width, start);
  }
  for (let q: u32 = 0; q < numRows; q++) {
    store<f64>(side.losses + ((<usize>(first + q)) << 3), lossOf(side, s, first + q, start));
  }
}

/** Packs rows of W four side by side, f32[2][D][4]; positions beyond the last row are not used. */
function pack(side: Side, s: Scratch, first: u32, numRows: u32): void {
  const D = side.dim;
  for (let q: u32 = 0; q < numRows; q++) {
    const w = rowOf(side.rows, D, first + q);
    const target = packedAt(s, D, q);
    for (let d: usize = 0; d < D; d++) store<f32>(target + (d << 4), load<f32>(w + (d << 2)));
  }
}

function packedAt(s: Scratch, D: u32, q: u32): usize {
  return s.packed + ((<usize>(q >>> 2) * D) << 4) + ((<usize>(q & 3)) << 2);
}

/**
 * Writes the score s = <w, h> of each event of the row to `predictions`; `start` is the first event of the batch of
 * rows.
 */
function predict(side: Side, s: Scratch, row: u32, start: u32): void {
  const D = side.dim;
  const w = rowOf(side.rows, D, row);
  const end = load<u32>(side.indptr + ((<usize>row) << 2), 4);
  for (let e = load<u32>(side.indptr + ((<usize>row) << 2)); e < end; e++) {
    const h = rowOf(side.others, D, load<u32>(side.indices + ((<usize>e) << 2)));
    store<f32>(s.predictions + ((<usize>(e - start)) << 2), dotByEights(w, h, D));
  }
}

/** Writes the product W G for the rows of the batch and the columns of the block, f32[2][width / 8][4][8]. */
function multiplyGram(side: Side, s: Scratch, from: u32, width: u32, numRows: u32): void {
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

/**
 * Updates one block of dimensions of one row, and adds the change of its scores to the predictions of the row's events.
 */
function stepRow(side: Side, s: Scratch, row: u32, q: u32, from: u32, width: u32, start: u32): void {
  const D = side.dim;
  const numPanels = width >>> 3;
  const penalty = load<f32>(side.penalties + ((<usize>row) << 2));
  if (penalty < 0) return;
  const w = rowOf(side.rows, D, row) + ((<usize>from) << 2);

  // initialize the matrix A and the right side g with the terms that no event contributes: rows of the Gram matrix, and
  // the penalty
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

  // add the terms of the row's events, CHUNK events at a time
  const first = load<u32>(side.indptr + ((<usize>row) << 2));
  const end = load<u32>(side.indptr + ((<usize>row) << 2), 4);
  for (let e = first; e < end; e += CHUNK) {
    addEvents(side, s, e, min(CHUNK, end - e), from, width, start);
  }

  choleskySolve(s, width);
  const packed = packedAt(s, D, q) + ((<usize>from) << 4);
  for (let k: usize = 0; k < width; k++) {
    const value = load<f32>(w + (k << 2)) - load<f32>(s.step + (k << 2));
    store<f32>(w + (k << 2), value);
    store<f32>(packed + (k << 4), value);
  }
  for (let e = first; e < end; e++) {
    const h = rowOf(side.others, D, load<u32>(side.indices + ((<usize>e) << 2))) + ((<usize>from) << 2);
    const at = s.predictions + ((<usize>(e - start)) << 2);
    store<f32>(at, load<f32>(at) - dotByEights(s.step, h, width));
  }
}

/**
 * Adds the terms of a chunk of events to A and g: gathers the vectors h_b of the events into panels, then multiplies
 * the panels.
 */
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

/** Adds the sum over n rows of (gradient of the row) x (panel row, eight numbers) to the eight numbers at `target`. */
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

function lossOf(side: Side, s: Scratch, row: u32, start: u32): f64 {
  let loss: f64 = 0;
  const end = load<u32>(side.indptr + ((<usize>row) << 2), 4);
  for (let e = load<u32>(side.indptr + ((<usize>row) << 2)); e < end; e++) {
    const missing = 1 - <f64>load<f32>(s.predictions + ((<usize>(e - start)) << 2));
    loss += <f64>confidenceOf(side, e) * missing * missing;
  }
  return loss;
}

/**
 * Adds the product H'H of consecutive rows to `sums`, on and above the diagonal, a chunk of rows at a time.
 *
 * @param rows f32[][D]
 * @param sums f32 panels of [D][D]
 */
export function addGram(rows: usize, D: u32, first: u32, numRows: u32, scratch: Scratch, sums: usize): void {
  const numPanels = D >>> 3;
  for (let from: u32 = 0; from < numRows; from += CHUNK) {
    const n = min(CHUNK, numRows - from);
    for (let t: u32 = 0; t < n; t++) {
      const h = rowOf(rows, D, first + from + t);
      for (let panel: u32 = 0; panel < numPanels; panel++) {
        const at = scratch.gathered + ((<usize>(panel * CHUNK + t)) << 5);
        v128.store(at, v128.load(h + ((<usize>panel) << 5)));
        v128.store(at, v128.load(h + ((<usize>panel) << 5), 16), 16);
      }
    }
    for (let panel: u32 = 0; panel < numPanels; panel++) {
      const right = scratch.gathered + ((<usize>panel * CHUNK) << 5);
      for (let k: u32 = 0; k <= (panel << 3) + 4; k += 4) {
        const left = scratch.gathered + ((<usize>(k >>> 3) * CHUNK) << 5) + ((<usize>(k & 7)) << 2);
        addProducts(left, 32, right, 32, n, sums + ((<usize>(panel * D + k)) << 5));
      }
    }
  }
}
