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

import { CHUNK, ROWS, Scratch, Side, Sums } from "./plan";
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

/**
 * Updates consecutive rows of the matrix W, and writes the loss of each, its events' sum of confidence (1 - score)^2,
 * to `losses`.
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

/** Updates one block of dimensions of one row, and the predictions of the row's events. */
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

// The following functions solve rows of W whose events arrive block after block: the vectors of the other side are on
// disk, and only those of one block of its rows are in memory. A group of rows has a matrix A and a gradient g of each
// row in memory, to which every block adds its events.
//
//   beginGroup ──► addBlock, block 0 ──► addBlock, block 1 ... ──► solveGroup       for each block of dimensions
//   addBlockLosses, block 0 ──► ...                                                  after the last
//
// `side` describes the group: its first row is row 0, `others` are the rows of the block, and `indptr` and `indices`
// the group's events in it. Blocks are in the order of a row's events, so that each sum has the same terms in the same
// order as in solveRows.

function scratchOf(sums: Sums, thread: u32): Scratch {
  return changetype<Scratch>(sums.scratches + <usize>thread * offsetof<Scratch>());
}

/** Points a thread's scratch to the sums of one row, and to the predictions of the block's events. */
function useRow(side: Side, sums: Sums, s: Scratch, row: u32): void {
  const b = side.block;
  s.matrix = sums.matrices + ((<usize>row * b * b) << 2);
  s.gradient = sums.gradients + ((<usize>row * b) << 2);
  s.step = sums.steps + ((<usize>row * b) << 2);
  s.predictions = sums.predictions;
}

/** Initializes the equations A x = g of each row for the block of dimensions that begins at `from`. */
export function beginGroup(side: Side, sums: Sums, thread: u32, from: u32, first: u32, numRows: u32): void {
  const s = scratchOf(sums, thread);
  const width = min(side.block, side.dim - from);
  for (let at: u32 = 0; at < numRows; at += ROWS) {
    const n = min(ROWS, numRows - at);
    pack(side, s, first + at, n);
    multiplyGram(side, s, from, width, n);
    for (let q: u32 = 0; q < n; q++) {
      useRow(side, sums, s, first + at + q);
      if (penaltyOf(side, first + at + q) >= 0) startRow(side, s, first + at + q, q, from, width);
    }
  }
}

/**
 * Adds the terms of those events that are in memory to the equations A x = g of each row. First computes the events'
 * scores, or, after the first block of dimensions, corrects them by the step of the block before.
 */
export function addBlock(side: Side, sums: Sums, thread: u32, from: u32, first: u32, numRows: u32): void {
  const s = scratchOf(sums, thread);
  const width = min(side.block, side.dim - from);
  for (let row = first; row < first + numRows; row++) {
    useRow(side, sums, s, row);
    const isUpdated = penaltyOf(side, row) >= 0;
    if (from == 0) predict(side, s, row, 0);
    else if (isUpdated) adaptPredictions(side, s, row, from - side.block, side.block, 0);
    if (isUpdated) addRow(side, s, row, from, width, 0);
  }
}

/** Solves the equations A x = g of each row after its last block of events was added. */
export function solveGroup(side: Side, sums: Sums, thread: u32, from: u32, first: u32, numRows: u32): void {
  const s = scratchOf(sums, thread);
  const width = min(side.block, side.dim - from);
  for (let row = first; row < first + numRows; row++) {
    useRow(side, sums, s, row);
    if (penaltyOf(side, row) >= 0) moveRow(side, s, row, from, width);
  }
}

/**
 * Adds confidence (1 - score)^2 of a block's events to the losses of rows, after the last block of dimensions was
 * solved.
 */
export function addBlockLosses(side: Side, sums: Sums, thread: u32, first: u32, numRows: u32): void {
  const s = scratchOf(sums, thread);
  const from = ((side.dim - 1) / side.block) * side.block;
  for (let row = first; row < first + numRows; row++) {
    useRow(side, sums, s, row);
    if (penaltyOf(side, row) >= 0) adaptPredictions(side, s, row, from, side.dim - from, 0);
    const at = side.losses + ((<usize>row) << 3);
    store<f64>(at, addLoss(load<f64>(at), side, s, row, 0));
  }
}
