// The structs of the ridge kernel, as ../binding.ts writes them; pointers are byte offsets.

/** Rows and targets, which all fits share. */
export class Plan {
  numRows: u32;
  /** p */
  numColumns: u32;
  numBlocks: u32;
  /** u32[numRows + 1] */
  indptr: usize;
  /** u32: a column for each pair */
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

/** Rows that are fitted together: those whose part is at most `last` and not `fold`. */
export class Fold {
  fold: u32;
  last: u32;
  /** f64[p]: c */
  centers: usize;
  /** f64[p]: the diagonal of Z' W Z */
  squares: usize;
  /** f64[numBlocks]: weights of the rows that have the block */
  masses: usize;
}

/** The map of eight targets, fitted on a fold. */
export class Fit {
  fold: usize;
  /** f64[numRows][8] */
  targets: usize;
  /** f64[8]: m */
  mean: usize;
  /** f64[p][8]: B */
  coefficients: usize;
  /** f64[8]: squared errors of the rows whose part is the fold */
  errors: usize;
}

/** The memory that one thread fits in. */
export class Scratch {
  /** f64[p][8] */
  residual: usize;
  /** f64[p][8] */
  direction: usize;
  /** f64[p][8] */
  product: usize;
  /** f64[numBlocks][8]: c_f' B_f */
  blockProducts: usize;
  /** f64[numBlocks][8]: sums of lines over the rows that have the block */
  blockSums: usize;
  /** f64[8]: one row of products */
  line: usize;
  /** f64[5][8]: a number for each target */
  numbers: usize;
}
