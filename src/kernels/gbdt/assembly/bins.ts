// Converts values to bins and writes them into a matrix with the bins of a row side by side; a bin has one byte, or two
// if it is wide.

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
