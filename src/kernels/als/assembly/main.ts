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
// Matrices are stored in panels of eight columns, so that every product consists of the tiles of
// ../../shared/assembly/tile.ts: element (r, k) of an f32[R][K] is at ((k / 8) R + r) 8 + k % 8. A row's result depends
// on no other row of W, so any thread may solve any rows. ../binding.ts writes the structs. Twin: ../als.reference.ts.

import { CHUNK, ROWS, Scratch, Side } from "./plan";
import {
  adaptPredictions,
  addLoss,
  addRow,
  moveRow,
  multiplyGram,
  pack,
  packedAt,
  penaltyOf,
  predict,
  rowOf,
  startRow,
} from "./rows";
import { addProducts } from "../../shared/assembly/tile";

export { addBlock, addBlockLosses, beginGroup, solveGroup } from "./blocks";

/**
 * Updates consecutive rows of the matrix W, and writes the loss of each, its events' sum of confidence (1 - score)^2,
 * to `losses`.
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
    store<f64>(side.losses + ((<usize>(first + q)) << 3), addLoss(0, side, s, first + q, start));
  }
}

/**
 * Updates one block of dimensions of one row, and adds the change of its scores to the predictions of the row's events.
 */
function stepRow(side: Side, s: Scratch, row: u32, q: u32, from: u32, width: u32, start: u32): void {
  if (penaltyOf(side, row) < 0) return;
  startRow(side, s, row, q, from, width);
  addRow(side, s, row, from, width, start);
  moveRow(side, s, row, from, width);
  const w = rowOf(side.rows, side.dim, row) + ((<usize>from) << 2);
  const packed = packedAt(s, side.dim, q) + ((<usize>from) << 4);
  for (let k: usize = 0; k < width; k++) store<f32>(packed + (k << 4), load<f32>(w + (k << 2)));
  adaptPredictions(side, s, row, from, width, start);
}

/**
 * Adds the product H'H of consecutive rows to `sums`, on and above the diagonal, a chunk of rows at a time.
 *
 * @param rows f32[][D]: rows of H, each padded to D dimensions
 * @param sums panels of eight columns of a D x D matrix, f32
 * @param firstPanel,endPanel panels of columns to compute: all, or those of one thread
 */
export function addGram(
  rows: usize,
  D: u32,
  first: u32,
  numRows: u32,
  scratch: Scratch,
  sums: usize,
  firstPanel: u32,
  endPanel: u32,
): void {
  for (let from: u32 = 0; from < numRows; from += CHUNK) {
    const n = min(CHUNK, numRows - from);
    for (let t: u32 = 0; t < n; t++) {
      const h = rowOf(rows, D, first + from + t);
      for (let panel: u32 = 0; panel < endPanel; panel++) {
        const at = scratch.gathered + ((<usize>(panel * CHUNK + t)) << 5);
        v128.store(at, v128.load(h + ((<usize>panel) << 5)));
        v128.store(at, v128.load(h + ((<usize>panel) << 5), 16), 16);
      }
    }
    for (let panel = firstPanel; panel < endPanel; panel++) {
      const right = scratch.gathered + ((<usize>panel * CHUNK) << 5);
      for (let k: u32 = 0; k <= (panel << 3) + 4; k += 4) {
        const left = scratch.gathered + ((<usize>(k >>> 3) * CHUNK) << 5) + ((<usize>(k & 7)) << 2);
        addProducts(left, 32, right, 32, n, sums + ((<usize>(panel * D + k)) << 5));
      }
    }
  }
}
