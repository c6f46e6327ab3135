// Structs of the ridge kernel, which ../binding.ts writes; pointers are byte offsets.

export class Plan {
  numRows: u32;
  /** p: number of columns */
  numColumns: u32;
  numBlocks: u32;
  /** u32[numRows + 1] */
  indptr: usize;
  /** u32 */
  columns: usize;
  /** f64 */
  values: usize;
  /** u32[p]: block of each column */
  blockOf: usize;
  /** f64[numRows] */
  weights: usize;
  /** u8[numRows]: the fold that holds out each row; or FITTED or LEFT_OUT of ../binding.ts */
  parts: usize;
}

/** The fitted rows: those whose number in Plan.parts is neither `fold` nor above `last`. */
export class Fold {
  fold: u32;
  last: u32;
  /** f64[p]: c, over the fold's rows */
  centers: usize;
  /** f64[p]: diagonal of Z' W Z, for the preconditioner */
  squares: usize;
  /** f64[numBlocks]: sum of the weights of the rows that have the block */
  masses: usize;
}

/** A linear map to eight targets, fitted on the rows of a fold. */
export class RidgeFit {
  fold: usize;
  /** f64[numRows][8] */
  targets: usize;
  /** f64[8]: m */
  mean: usize;
  /** f64[p][8]: B */
  coefficients: usize;
  /** f64[8]: squared errors over the held-out rows */
  errors: usize;
}

export class Scratch {
  /** f64[p][8] each, of the conjugate gradients; `product` is the matrix times `direction` */
  residual: usize;
  direction: usize;
  product: usize;
  /** f64[numBlocks][8]: product of each block's means with its coefficients */
  blockProducts: usize;
  /** f64[numBlocks][8]: sums of `line` over the rows that have the block */
  blockSums: usize;
  /** f64[8]: product of the current row with a matrix */
  line: usize;
  /** f64[5][8]: scalars of the conjugate gradients */
  numbers: usize;
}
