// Histograms: for each feature and bin the sum of its rows' cells.
//
//   a row      narrow bins, one byte each, their number a multiple of 4; then wide bins, two bytes each
//   a cell     i64 gradient, i64 hessian << 25 | count; 16 bytes
//   histogram  256 cells a narrow feature, then each wide feature's from a cell on that `wideCells` tells
//
// A leaf's sums are within the tree's, and those fit: no field of a cell runs into another, so cells are added and
// subtracted whole.

/** Rows that are gathered before they are added. */
export const GATHERED: usize = 128;

/**
 * Adds rows to a histogram.
 *
 * Rows of a leaf lie apart, and what waits for one row's bytes holds up the next. So 128 rows are first copied beside one
 * another, a loop that asks for many at once: 0.5 ns an update at any density, where it was up to 1.3.
 *
 * @param order  u32[n]: which rows
 * @param bins   u8[.][stride], stride a multiple of 16
 * @param cells  i64[.][2]: all rows' own
 * @param room   128 (16 + stride) bytes
 */
export function histogram(
  order: usize,
  n: i32,
  bins: usize,
  stride: usize,
  numNarrow: usize,
  wideCells: usize,
  numWide: usize,
  cells: usize,
  room: usize,
  out: usize,
): void {
  const end = order + ((<usize>n) << 2);
  for (let from = order; from < end; from += GATHERED << 2) {
    const to = min(from + (GATHERED << 2), end);
    let at = room;
    for (let i = from; i < to; i += 4) {
      const row = <usize>load<u32>(i);
      const own = bins + row * stride;
      v128.store(at, v128.load(cells + (row << 4)));
      for (let k: usize = 0; k < stride; k += 16) v128.store(at + k, v128.load(own + k), 16);
      at += 16 + stride;
    }
    const gathered = at;
    for (at = room; at < gathered; at += 16 + stride) {
      const cell = v128.load(at);
      const own = at + 16;
      let h = out;
      for (let f: usize = 0; f < numNarrow; f += 4) {
        // four features a turn; each has 256 cells of 16 bytes
        const p0 = h + ((<usize>load<u8>(own + f)) << 4);
        const p1 = h + ((<usize>load<u8>(own + f, 1)) << 4);
        const p2 = h + ((<usize>load<u8>(own + f, 2)) << 4);
        const p3 = h + ((<usize>load<u8>(own + f, 3)) << 4);
        v128.store(p0, i64x2.add(v128.load(p0), cell));
        v128.store(p1, i64x2.add(v128.load(p1, 4096), cell), 4096);
        v128.store(p2, i64x2.add(v128.load(p2, 8192), cell), 8192);
        v128.store(p3, i64x2.add(v128.load(p3, 12288), cell), 12288);
        h += 16384;
      }
      for (let f: usize = 0; f < numWide; f++) {
        const b = <usize>load<u16>(own + numNarrow + (f << 1));
        const p = out + ((<usize>load<u32>(wideCells + (f << 2)) + b) << 4);
        v128.store(p, i64x2.add(v128.load(p), cell));
      }
    }
  }
}

/** Moves the sum of `count` histograms, `apart` bytes from one another, to `out`, and leaves zeros. */
export function addHistograms(parts: usize, count: u32, apart: usize, out: usize, numCells: usize): void {
  const zero = i64x2.splat(0);
  for (let at: usize = 0; at < numCells << 4; at += 16) {
    let sum = v128.load(parts + at);
    v128.store(parts + at, zero);
    for (let t: u32 = 1; t < count; t++) {
      const p = parts + <usize>t * apart + at;
      sum = i64x2.add(sum, v128.load(p));
      v128.store(p, zero);
    }
    v128.store(out + at, sum);
  }
}

/** What is left of a parent's histogram without one child's is the other's. */
export function subtractHistogram(parent: usize, child: usize, numCells: usize): void {
  for (let at: usize = 0; at < numCells << 4; at += 16) {
    v128.store(parent + at, i64x2.sub(v128.load(parent + at), v128.load(child + at)));
  }
}
