// Solves rows of W whose events arrive block after block: the vectors of the other side are on disk, and only those of
// one block of its rows are in memory. A group of rows has a matrix A and a gradient g of each row in memory, to which
// every block adds its events.
//
//   beginGroup ──► addBlock, block 0 ──► addBlock, block 1 ... ──► solveGroup       for each block of dimensions
//   addBlockLosses, block 0 ──► ...                                                  after the last
//
// `side` describes the group: its first row is row 0, `others` are the rows of the block, and `indptr` and `indices`
// the group's events in it. Blocks are in the order of a row's events, so that each sum has the same terms in the same
// order as in solveRows.

import { ROWS, Scratch, Side, Sums } from "./plan";
import {
  adaptPredictions,
  addLoss,
  addRow,
  moveRow,
  multiplyGram,
  pack,
  penaltyOf,
  predict,
  startRow,
} from "./rows";

/** Returns the scratch buffers of a thread; `useRow` sets their pointers to the matrix and the gradient of one row. */
function scratchOf(sums: Sums, thread: u32): Scratch {
  return changetype<Scratch>(sums.scratches + <usize>thread * offsetof<Scratch>());
}

/**
 * Points a scratch struct to the matrix, the gradient and the step of one row, and to the predictions of the block's
 * events.
 */
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
