// Histograms: for each feature and bin, the sum of the cells of its rows.
//
//   a row      narrow bins, one byte each, their number a multiple of 4; then wide bins, two bytes each
//   a cell     i64 g 2^a, and i64 (h 2^b) << 25 | 1: the contribution of a row to each of its bins, 16 bytes
//   histogram  256 cells a narrow feature, then those of each wide feature, from cell `wideCells[f]` on
//
// Integer sums do not depend on the order of addition. The exponents a and b are chosen from the sums over the whole
// tree (trainers/gbdt/boosting/gradients.ts). A leaf's sums are smaller, so no field of a cell overflows into another,
// and cells can be added and subtracted as a whole.

import { COUNT_BITS, SplitOptions } from "./gain";

/** Number of rows whose bins and cells are gathered before they are added to a histogram. */
export const GATHERED: usize = 1024;

/**
 * Adds rows to a histogram.
 *
 * The rows of a leaf are scattered in memory, so that a loop waits for the bytes of each row. So 1,024 rows are first
 * copied to adjacent places, then added to four features at a time, whose 16 KiB of cells fit in the first-level cache.
 *
 * @param order u32[n]: indexes of the rows; 0 selects rows 0 .. n - 1, whose bins are not copied
 * @param bins  u8[.][stride], stride a multiple of 16
 * @param pairs f32[.][2]: g and h of all rows
 * @param room  buffer of 1,024 (16 + stride) bytes
 */
export function histogram(
  order: usize,
  n: i32,
  bins: usize,
  stride: usize,
  numNarrow: usize,
  wideCells: usize,
  numWide: usize,
  pairs: usize,
  options: SplitOptions,
  room: usize,
  out: usize,
): void {
  const scales = f64x2.replace_lane(f64x2.splat(1 / options.unitG), 1, 1 / options.unitH);
  const gathered = room + (GATHERED << 4);
  for (let first: usize = 0; first < <usize>n; first += GATHERED) {
    const count = min(GATHERED, <usize>n - first);
    const to = room + (count << 4);
    let own = bins + first * stride;
    if (order == 0) quantizeRows(pairs + (first << 3), room, to, scales);
    else {
      gather(order + (first << 2), pairs, bins, stride, room, to, gathered, scales);
      own = gathered;
    }
    // two rows are added at a time, so an odd number of rows is padded by a cell of zeros
    if ((count & 1) != 0) v128.store(to, i64x2.splat(0));
    for (let f: usize = 0; f < numNarrow; f += 4) addFour(own + f, stride, room, to, out + (f << 12));
    for (let f: usize = 0; f < numWide; f++) {
      const cells = out + ((<usize>load<u32>(wideCells + (f << 2))) << 4);
      addWide(own + numNarrow + (f << 1), stride, room, to, cells);
    }
  }
}

/** Returns a row's cell. @param pair f32[2]: g and h */
function quantize(pair: usize, scales: v128): v128 {
  const whole = nearestOf(f64x2.mul(f64x2.promote_low_f32x4(v128.load64_zero(pair)), scales));
  const counted = v128.or(i64x2.shl(whole, <i32>COUNT_BITS), i64x2.splat(1));
  return v128.shuffle<i64>(whole, counted, 0, 3);
}

/** Writes the cells of consecutive rows to the addresses from `from` until `to`. */
function quantizeRows(pairs: usize, from: usize, to: usize, scales: v128): void {
  for (; from < to; from += 16) {
    v128.store(from, quantize(pairs, scales));
    pairs += 8;
  }
}

/** Does the same for the rows in `order`, and copies their bins to adjacent places. */
function gather(
  order: usize,
  pairs: usize,
  bins: usize,
  stride: usize,
  from: usize,
  to: usize,
  toBins: usize,
  scales: v128,
): void {
  for (; from < to; from += 16) {
    const row = <usize>load<u32>(order);
    const own = bins + row * stride;
    v128.store(from, quantize(pairs + (row << 3), scales));
    for (let k: usize = 0; k < stride; k += 16) v128.store(toBins + k, v128.load(own + k));
    toBins += stride;
    order += 4;
  }
}

/**
 * Adds cells to the histograms of four features; an odd number of cells is followed by one of zeros.
 * @param own address of the four features' bins in the first row
 */
function addFour(own: usize, stride: usize, from: usize, to: usize, out: usize): void {
  for (; from < to; from += 32) {
    // adds two rows with four bins of one byte each; the histogram of a narrow feature has 4,096 bytes
    const a = load<u32>(own);
    const b = load<u32>(own + stride);
    const ofA = v128.load(from);
    const ofB = v128.load(from, 16);
    const a0 = out + ((a << 4) & 0xff0);
    const a1 = out + ((a >> 4) & 0xff0);
    const a2 = out + ((a >> 12) & 0xff0);
    const a3 = out + ((a >> 20) & 0xff0);
    v128.store(a0, i64x2.add(v128.load(a0), ofA));
    v128.store(a1, i64x2.add(v128.load(a1, 4096), ofA), 4096);
    v128.store(a2, i64x2.add(v128.load(a2, 8192), ofA), 8192);
    v128.store(a3, i64x2.add(v128.load(a3, 12288), ofA), 12288);
    const b0 = out + ((b << 4) & 0xff0);
    const b1 = out + ((b >> 4) & 0xff0);
    const b2 = out + ((b >> 12) & 0xff0);
    const b3 = out + ((b >> 20) & 0xff0);
    v128.store(b0, i64x2.add(v128.load(b0), ofB));
    v128.store(b1, i64x2.add(v128.load(b1, 4096), ofB), 4096);
    v128.store(b2, i64x2.add(v128.load(b2, 8192), ofB), 8192);
    v128.store(b3, i64x2.add(v128.load(b3, 12288), ofB), 12288);
    own += stride << 1;
  }
}

/** @param own address of the feature's bin in the first row */
function addWide(own: usize, stride: usize, from: usize, to: usize, out: usize): void {
  for (; from < to; from += 16) {
    const p = out + ((<usize>load<u16>(own)) << 4);
    v128.store(p, i64x2.add(v128.load(p), v128.load(from)));
    own += stride;
  }
}

/** Distance in bytes between marks of `addHistograms`: one cache line. */
export const MARK: usize = 64;

/**
 * Writes the sum of those of `count` histograms that are marked to `out`, and resets them to zero; histograms without a
 * mark are zero already.
 *
 * @param apart bytes from one histogram to the next
 * @param marks u32 every MARK bytes
 */
export function addHistograms(
  parts: usize,
  count: u32,
  apart: usize,
  marks: usize,
  out: usize,
  numCells: usize,
): void {
  const zero = i64x2.splat(0);
  const end = parts + (numCells << 4);
  let isFirst = true;
  for (let t: u32 = 0; t < count; t++) {
    if (load<u32>(marks + <usize>t * MARK) == 0) continue;
    const more = <usize>t * apart;
    let to = out;
    for (let p = parts + more; p < end + more; p += 16) {
      const cell = v128.load(p);
      v128.store(to, isFirst ? cell : i64x2.add(v128.load(to), cell));
      v128.store(p, zero);
      to += 16;
    }
    isFirst = false;
  }
  if (isFirst) memory.fill(out, 0, numCells << 4);
}

/** Subtracts a child's histogram from its parent's, which then is the histogram of the other child. */
export function subtractHistogram(parent: usize, child: usize, numCells: usize): void {
  for (let at: usize = 0; at < numCells << 4; at += 16) {
    v128.store(parent + at, i64x2.sub(v128.load(parent + at), v128.load(child + at)));
  }
}

// The following functions convert between two i64 and two f64, for integers below 2^51; WebAssembly has no vector
// instruction for this.

/** 1.5 x 2^52: adding it to a number rounds the number to an integer, which the last bits of the sum contain. */
const ROUNDING: f64 = 6755399441055744;
const ROUNDING_BITS: i64 = 0x4338000000000000;

export function floatsOf(x: v128): v128 {
  return f64x2.sub(i64x2.add(x, i64x2.splat(ROUNDING_BITS)), f64x2.splat(ROUNDING));
}

/** Rounds to the nearest integers; ties go to the even integer. */
export function nearestOf(x: v128): v128 {
  return i64x2.sub(f64x2.add(x, f64x2.splat(ROUNDING)), i64x2.splat(ROUNDING_BITS));
}
