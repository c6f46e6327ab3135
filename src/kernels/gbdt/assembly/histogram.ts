// Histograms: for each feature and bin the sum of its rows' cells.
//
//   a row      narrow bins, one byte each, their number a multiple of 4; then wide bins, two bytes each
//   a cell     i64 gradient, i64 hessian << 25 | count; 16 bytes
//   histogram  256 cells a narrow feature, then each wide feature's from cell `wideCells[f]` on
//
// A leaf's sums are within the tree's, and those fit: no field of a cell runs into another, so cells are added and
// subtracted whole.

/** Rows that are gathered before they are added. */
export const GATHERED: usize = 1024;

/**
 * Adds rows to a histogram.
 *
 * Rows of a leaf lie apart, and a loop that waits for one row's bytes holds up the next. So 1,024 rows are first copied beside
 * one another, then added by four features at a time, whose 16 KiB of cells stay in the first cache.
 *
 * @param order  u32[n]: which rows; 0 for the first n, which are read where they are
 * @param bins   u8[.][stride], stride a multiple of 16
 * @param cells  i64[.][2]: of all rows
 * @param room   1,024 (16 + stride) bytes
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
  const gathered = room + (GATHERED << 4);
  for (let first: usize = 0; first < <usize>n; first += GATHERED) {
    const count = min(GATHERED, <usize>n - first);
    let from = cells + (first << 4);
    let own = bins + first * stride;
    if (order != 0) {
      gather(order + (first << 2), count, bins, stride, cells, room, gathered);
      from = room;
      own = gathered;
    }
    const to = from + (count << 4);
    for (let f: usize = 0; f < numNarrow; f += 4) addFour(own + f, stride, from, to, out + (f << 12));
    for (let f: usize = 0; f < numWide; f++) {
      const first = out + ((<usize>load<u32>(wideCells + (f << 2))) << 4);
      addWide(own + numNarrow + (f << 1), stride, from, to, first);
    }
  }
}

/** Copies rows' cells and bins beside one another. */
function gather(
  order: usize,
  count: usize,
  bins: usize,
  stride: usize,
  cells: usize,
  toCells: usize,
  toBins: usize,
): void {
  const end = order + (count << 2);
  for (; order < end; order += 4) {
    const row = <usize>load<u32>(order);
    const own = bins + row * stride;
    v128.store(toCells, v128.load(cells + (row << 4)));
    for (let k: usize = 0; k < stride; k += 16) v128.store(toBins + k, v128.load(own + k));
    toCells += 16;
    toBins += stride;
  }
}

/** Adds cells `from` .. `to` to the histograms of four narrow features. @param own their bins in the first row */
function addFour(own: usize, stride: usize, from: usize, to: usize, out: usize): void {
  for (; from < to; from += 16) {
    const cell = v128.load(from);
    // a byte's bin, times the 16 bytes of a cell; each feature has 4,096 bytes of cells
    const four = load<u32>(own);
    const p0 = out + ((four << 4) & 0xff0);
    const p1 = out + ((four >> 4) & 0xff0);
    const p2 = out + ((four >> 12) & 0xff0);
    const p3 = out + ((four >> 20) & 0xff0);
    v128.store(p0, i64x2.add(v128.load(p0), cell));
    v128.store(p1, i64x2.add(v128.load(p1, 4096), cell), 4096);
    v128.store(p2, i64x2.add(v128.load(p2, 8192), cell), 8192);
    v128.store(p3, i64x2.add(v128.load(p3, 12288), cell), 12288);
    own += stride;
  }
}

/** Adds cells `from` .. `to` to the histogram of a wide feature. @param own its bin in the first row */
function addWide(own: usize, stride: usize, from: usize, to: usize, out: usize): void {
  for (; from < to; from += 16) {
    const p = out + ((<usize>load<u16>(own)) << 4);
    v128.store(p, i64x2.add(v128.load(p), v128.load(from)));
    own += stride;
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
