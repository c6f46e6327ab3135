// Boosted trees: the inner loops over binned rows. ../../trainers/gbdt decides how trees grow; each function here works
// on a short range of rows (at most 4,096 per call) or on one histogram. Scalar twins: ../gbdt.reference.ts.
//
//   values ─ binNumbers ─► u8[n][S] ─┐
//   scores ─ gradients ─► (g, h) ────┴─ histogram ─► cells ─ numericGain, bestCategorical ─► split
//   split ─ partition ─► rows of two leaves; their values ─ addValue, walk ─► scores

export { bestCategorical } from "./categorical";
export { gradients, losses, softmaxGradients, softmaxLosses } from "./gradients";
export { addHistograms, histogram, subtractHistogram } from "./histogram";
export { bestNumeric, numericGain } from "./numeric";
export { predict } from "./predict";
export { sortNumbers } from "./sort";
export { barrier } from "../../shared/assembly/barrier";

// Bins: the bins of a row are side by side in a matrix; a bin has one byte, or two if it is wide.

/**
 * Converts numbers to bins: bin b is the number of edges below x; NaN has the bin `missing`.
 *
 * @param values f64[n]
 * @param edges  f64[size], ascending, padded with infinity
 * @param size   a power of two
 * @param out    address of the column in the first row; that of the next row is `stride` further
 */
export function binNumbers(
  values: usize,
  n: i32,
  edges: usize,
  size: usize,
  missing: u32,
  wide: bool,
  out: usize,
  stride: usize,
): void {
  for (let i = 0; i < n; i++) {
    const x = load<f64>(values + ((<usize>i) << 3));
    let b = missing;
    if (x == x) {
      // finds the bin by a binary search without branches
      let at = edges;
      for (let half = size << 2; half >= 8; half >>= 1) {
        at += select<usize>(half, 0, load<f64>(at + half - 8) < x);
      }
      b = <u32>((at - edges) >> 3);
    }
    if (wide) store<u16>(out, <u16>b);
    else store<u8>(out, <u8>b);
    out += stride;
  }
}

/** Copies a column's bins into the rows' matrix. @param bins u8[n], or u16[n] of a wide feature */
export function placeBins(bins: usize, n: i32, wide: bool, out: usize, stride: usize): void {
  for (let i = 0; i < n; i++) {
    if (wide) store<u16>(out, load<u16>(bins + ((<usize>i) << 1)));
    else store<u8>(out, load<u8>(bins + i));
    out += stride;
  }
}

// Rows of leaves.

/** Writes the row indexes first .. first + n - 1 to `order`. */
export function countUp(order: usize, first: u32, n: i32): void {
  const end = order + ((<usize>n) << 2);
  for (; order < end; order += 4) store<u32>(order, first++);
}

/**
 * Shuffle patterns for i8x16.swizzle that move the selected rows, of four, to the front; bit k of the pattern's index
 * selects row k. 16 entries of 16 bytes; bytes behind the chosen rows are 0.
 */
const FRONT: usize = memory.data<u8>([
  255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 0, 1, 2, 3, 255, 255, 255,
  255, 255, 255, 255, 255, 255, 255, 255, 255, 4, 5, 6, 7, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255,
  255, 255, 0, 1, 2, 3, 4, 5, 6, 7, 255, 255, 255, 255, 255, 255, 255, 255, 8, 9, 10, 11, 255, 255, 255, 255,
  255, 255, 255, 255, 255, 255, 255, 255, 0, 1, 2, 3, 8, 9, 10, 11, 255, 255, 255, 255, 255, 255, 255, 255, 4,
  5, 6, 7, 8, 9, 10, 11, 255, 255, 255, 255, 255, 255, 255, 255, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 255,
  255, 255, 255, 12, 13, 14, 15, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 0, 1, 2, 3, 12,
  13, 14, 15, 255, 255, 255, 255, 255, 255, 255, 255, 4, 5, 6, 7, 12, 13, 14, 15, 255, 255, 255, 255, 255,
  255, 255, 255, 0, 1, 2, 3, 4, 5, 6, 7, 12, 13, 14, 15, 255, 255, 255, 255, 8, 9, 10, 11, 12, 13, 14, 15,
  255, 255, 255, 255, 255, 255, 255, 255, 0, 1, 2, 3, 8, 9, 10, 11, 12, 13, 14, 15, 255, 255, 255, 255, 4, 5,
  6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 255, 255, 255, 255, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14,
  15,
]);

/**
 * Partitions rows into those that go left and right, by a table over bins; both sides keep the order of the rows; the
 * left side may be written over `order`.
 *
 * @param order u32[n]
 * @param bins  u8[.] or u16[.]: bin of the split's feature, by row
 * @param goesLeft u8 by bin: 1 if rows with this bin go left, else 0
 * @param left,right u32[n] each
 * @returns number of rows that go left
 */
export function partition(
  order: usize,
  n: i32,
  bins: usize,
  wide: bool,
  goesLeft: usize,
  left: usize,
  right: usize,
): i32 {
  let l = left;
  let r = right;
  const end = order + ((<usize>n) << 2);
  // writes four rows to the lists of both sides, then advances the end of each list by the number of rows that belong
  // to it, so that there is no branch to predict
  for (; order + 16 <= end; order += 16) {
    const rows = v128.load(order);
    let goes = side(load<u32>(order), bins, wide, goesLeft);
    goes |= side(load<u32>(order, 4), bins, wide, goesLeft) << 1;
    goes |= side(load<u32>(order, 8), bins, wide, goesLeft) << 2;
    goes |= side(load<u32>(order, 12), bins, wide, goesLeft) << 3;
    v128.store(l, i8x16.swizzle(rows, v128.load(FRONT + (goes << 4))));
    v128.store(r, i8x16.swizzle(rows, v128.load(FRONT + ((15 - goes) << 4))));
    const toLeft = popcnt(goes) << 2;
    l += toLeft;
    r += 16 - toLeft;
  }
  for (; order < end; order += 4) {
    const row = load<u32>(order);
    const goes = side(row, bins, wide, goesLeft);
    store<u32>(l, row);
    store<u32>(r, row);
    l += goes << 2;
    r += (1 - goes) << 2;
  }
  return <i32>((l - left) >> 2);
}

/** Copies n row indexes; source and target must not overlap. */
export function copyRows(to: usize, from: usize, n: i32): void {
  memory.copy(to, from, (<usize>n) << 2);
}

function side(row: u32, bins: usize, wide: bool, goesLeft: usize): usize {
  const b = wide ? <usize>load<u16>(bins + ((<usize>row) << 1)) : <usize>load<u8>(bins + row);
  return <usize>load<u8>(goesLeft + b);
}

/** Adds a leaf's value to the f32 scores of the leaf's rows; each sum is computed in f64 and rounded once. */
export function addValue(order: usize, n: i32, scores: usize, value: f64): void {
  for (let i: usize = 0; i < <usize>n; i++) {
    const at = scores + ((<usize>load<u32>(order + (i << 2))) << 2);
    store<f32>(at, <f32>(<f64>load<f32>(at) + value));
  }
}

/** A node of a growing tree. */
class Node {
  /** byte offset of the feature's bin within a row */
  byte: u32;
  wide: u32;
  /** indexes of the child nodes; ~i for leaf i */
  left: i32;
  right: i32;
}

/**
 * Passes consecutive rows through a tree and adds the values of their leaves to their scores.
 *
 * @param bins   u8[n][stride]
 * @param nodes  Node[.]
 * @param tables u8[.][apart]: for each node, 1 for each bin that goes left
 * @param values f64 by leaf
 */
export function walk(
  bins: usize,
  n: i32,
  stride: usize,
  nodes: usize,
  tables: usize,
  apart: usize,
  values: usize,
  scores: usize,
): void {
  for (let i: usize = 0; i < <usize>n; i++) {
    let node: i32 = 0;
    while (node >= 0) {
      const own = changetype<Node>(nodes + ((<usize>node) << 4));
      const at = bins + <usize>own.byte;
      const b = own.wide != 0 ? <usize>load<u16>(at) : <usize>load<u8>(at);
      const left = load<u8>(tables + <usize>node * apart + b) != 0;
      node = left ? own.left : own.right;
    }
    const score = scores + (i << 2);
    store<f32>(score, <f32>(<f64>load<f32>(score) + load<f64>(values + ((<usize>~node) << 3))));
    bins += stride;
  }
}
