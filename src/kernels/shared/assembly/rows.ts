// Rows of (feature, value) pairs in the shared memory, as src/dataset/rows.ts describes them.

/** Pointers to the arrays; 0 for an absent one. Kernels extend it with labels, weights and so on. */
export class PairRows {
  /** pairs per row when indptr is absent */
  width: u32;
  /** u32[numRows + 1]: row r has the pairs indptr[r] .. indptr[r + 1); 0 when every row has `width` */
  indptr: usize;
  /** u32 */
  ids: usize;
  /** f32; 0 when all are 1 */
  values: usize;
}

/** Index of a row's first pair; the row ends where the next one begins. */
export function firstPair(rows: PairRows, row: u32): u32 {
  return rows.indptr ? load<u32>(rows.indptr + ((<usize>row) << 2)) : row * rows.width;
}

/** The feature of a pair. */
export function featureAt(rows: PairRows, pair: u32): u32 {
  return load<u32>(rows.ids + ((<usize>pair) << 2));
}

/** The value of a pair. */
export function valueAt(rows: PairRows, pair: u32): f32 {
  return rows.values ? load<f32>(rows.values + ((<usize>pair) << 2)) : 1;
}
