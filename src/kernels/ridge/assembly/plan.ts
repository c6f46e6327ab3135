// Structs of the ridge kernel, which ../binding.ts writes; pointers are byte offsets.

/** The rows on which linear maps are fitted and evaluated; the fits of all folds and targets use the same rows. */
export class Plan {
  numRows: u32;
  /** p: number of columns */
  numColumns: u32;
  numBlocks: u32;
  /** start of each row's pairs, u32[numRows + 1] */
  indptr: usize;
  /** column of each pair, u32 */
  columns: usize;
  /** value of each pair, f64 */
  values: usize;
  /** u32[p]: block to which each column belongs */
  blockOf: usize;
  /** weight of each row, f64[numRows] */
  weights: usize;
  /** u8[numRows]: number of the fold that holds out each row; or FITTED or LEFT_OUT of ../binding.ts */
  parts: usize;
}

/**
 * A set of rows on which linear maps are fitted: the rows whose number in Plan.parts is neither `fold` nor above
 * `last`.
 */
export class Fold {
  fold: u32;
  last: u32;
  /** f64[p]: weighted mean c of each column, over those rows of the fold that have a value in the column's block */
  centers: usize;
  /** f64[p]: diagonal of the normal equations' matrix Z' W Z, for the preconditioner */
  squares: usize;
  /** f64[numBlocks]: for each block of columns, the sum of the weights of the rows that have a value in the block */
  masses: usize;
}

/** A linear map to eight targets, fitted on the rows of a fold. */
export class Fit {
  fold: usize;
  /** targets of each row, f64[numRows][8] */
  targets: usize;
  /** weighted mean m of the targets, f64[8] */
  mean: usize;
  /** f64[p][8]: coefficients B of p columns for eight targets */
  coefficients: usize;
  /** f64[8]: for each of eight targets, the sum of squared errors over the fold's held-out rows */
  errors: usize;
}

/** Buffers of one thread. */
export class Scratch {
  /** f64[p][8]: residual of the conjugate gradients for p columns and eight targets */
  residual: usize;
  /** f64[p][8]: search direction of the conjugate gradients */
  direction: usize;
  /** f64[p][8]: product of the normal equations' matrix with the search direction, for p columns and eight targets */
  product: usize;
  /**
   * f64[numBlocks][8]: for each block of columns, the product of its column means with its coefficients, for eight
   * targets
   */
  blockProducts: usize;
  /**
   * f64[numBlocks][8]: for each block of columns, the sum of the eight numbers in `line` over the rows that have a
   * value in the block
   */
  blockSums: usize;
  /** f64[8]: product of the current row with a matrix, one number for each of eight targets */
  line: usize;
  /** f64[5][8]: five scalars of the conjugate gradients for each of eight targets */
  numbers: usize;
}
