// Structs of the ridge kernel, which ../binding.ts writes; pointers are byte offsets.

/** Rows and targets, which all fits share. */
export class Plan {
  numRows: u32;
  /** p */
  numColumns: u32;
  numBlocks: u32;
  /** u32[numRows + 1] */
  indptr: usize;
  /** u32: column of each pair */
  columns: usize;
  /** f64: beside columns */
  values: usize;
  /** u32[p]: the block of each column */
  blockOf: usize;
  /** f64[numRows] */
  weights: usize;
  /** u8[numRows] */
  parts: usize;
}

/** A set of rows on which maps are fitted: rows whose part is at most `last` and not `fold`. */
export class Fold {
  fold: u32;
  last: u32;
  /** f64[p]: c */
  centers: usize;
  /** f64[p]: the diagonal of Z' W Z */
  squares: usize;
  /** f64[numBlocks]: sum of the weights of the rows that have the block */
  masses: usize;
}

/** A map to eight targets, fitted on the rows of a fold. */
export class Fit {
  fold: usize;
  /** f64[numRows][8] */
  targets: usize;
  /** f64[8]: m */
  mean: usize;
  /** f64[p][8]: B */
  coefficients: usize;
  /** f64[8]: sum of squared errors of each target over the rows whose part is the fold */
  errors: usize;
}

/** Buffers of one thread. */
export class Scratch {
  /** f64[p][8] */
  residual: usize;
  /** f64[p][8] */
  direction: usize;
  /** f64[p][8] */
  product: usize;
  /** f64[numBlocks][8]: c_f' B_f */
  blockProducts: usize;
  /** f64[numBlocks][8]: sum of the lines of the rows that have the block */
  blockSums: usize;
  /** f64[8]: line of the current row, one number per target */
  line: usize;
  /** f64[5][8]: five scalars of the solver for each target */
  numbers: usize;
}
