// Rows of (feature, value) pairs in the shared memory, as src/dataset/rows.ts describes them.

/** Pointers to the arrays of rows; 0 for an absent array. Kernels extend it with labels, weights and so on. */
export class PairRows {
  /** pairs per row; used when indptr is absent */
  width: u32;
  /** u32[numRows + 1]: row r has the pairs indptr[r] .. indptr[r + 1); 0 when every row has `width` */
  indptr: usize;
  /** u32: feature of each pair */
  ids: usize;
  /** f32: value of each pair; 0 when all values are 1 */
  values: usize;
}

/** Returns the index of a row's first pair; the row ends where the next row begins. */
export function firstPair(rows: PairRows, row: u32): u32 {
  return rows.indptr ? load<u32>(rows.indptr + ((<usize>row) << 2)) : row * rows.width;
}

export function featureAt(rows: PairRows, pair: u32): u32 {
  return load<u32>(rows.ids + ((<usize>pair) << 2));
}

export function valueAt(rows: PairRows, pair: u32): f32 {
  return rows.values ? load<f32>(rows.values + ((<usize>pair) << 2)) : 1;
}
