// Structs of the least-squares kernel, written by ../binding.ts; pointers are byte offsets.

/**
 * Number of a row's events that are gathered at a time; a block of dimensions of their vectors fits in the first-level
 * cache.
 */
export const CHUNK: u32 = 128;

/** Number of rows solved side by side, so that the Gram matrix is read once for all of them. */
export const ROWS: u32 = 8;

/** Arrays for the half of an epoch in which one side, users or items, is updated. */
export class Side {
  /** D: number of dimensions, padded to a multiple of 8 */
  dim: u32;
  /** b: number of dimensions that are solved together (a block), a multiple of 8 */
  block: u32;
  /** f32[n][D]: vectors of the updated side's n rows, each padded to D dimensions (matrix W) */
  rows: usize;
  /** f32[m][D]: vectors of the other side's m rows, each padded to D dimensions (matrix H) */
  others: usize;
  /** u32[n + 1]: row r has events indptr[r] .. indptr[r + 1] */
  indptr: usize;
  /** u32[numEvents]: for each event, the index of its row in H, the vectors of the other side */
  indices: usize;
  /** confidence of each event, f32[numEvents]; 0 if all are 1 */
  confidences: usize;
  /** f32[n]: L2 penalty of each row of the updated side */
  penalties: usize;
  /** Gram matrix G of the other side's vectors, D x D, in f32 panels of eight columns */
  gram: usize;
  /** f64[n]: loss of each row, the sum over its events of confidence (1 - score)^2 */
  losses: usize;
}

/** Buffers that belong to one thread. */
export class Scratch {
  /** f32[2][D][4]: vectors of eight rows of the updated side, each with D dimensions, packed four side by side */
  packed: usize;
  /** predicted score of each event, f32[maximum number of events in eight consecutive rows] */
  predictions: usize;
  /**
   * f32[2][b / 8][4][8]: products of eight rows' vectors with b columns of the Gram matrix, in tiles of four rows by
   * eight columns
   */
  products: usize;
  /**
   * for CHUNK events of a row: the vectors h of the events' rows in H, gathered in f32 panels of eight dimensions; and
   * the same vectors times the events' confidences
   */
  gathered: usize;
  weighted: usize;
  /** f32[CHUNK]: confidence times (score - 1) of each of the CHUNK events that are gathered at a time */
  gradients: usize;
  /**
   * matrix A of a row's equations for a block of b dimensions, later its Cholesky factor U; and -U; b x b each, in f32
   * panels of eight columns
   */
  matrix: usize;
  negated: usize;
  /** f32[b] each, for a block of b dimensions: the gradient g; 1 / (diagonal element of U); the step A^-1 g */
  gradient: usize;
  inverses: usize;
  step: usize;
}

/** Sums for a group of rows whose events arrive in blocks, because not all vectors of the other side are in memory. */
export class Sums {
  /** for each row of the group, its matrix A, b x b for a block of b dimensions, in f32 panels of eight columns */
  matrices: usize;
  /**
   * f32[b] for each row of the group: its gradient in a block of b dimensions. `steps` has the same shape, and contains
   * the step that the row took in the block of dimensions that was solved before this one
   */
  gradients: usize;
  steps: usize;
  /** f32[numEvents]: predicted score of each event of the block that is in memory */
  predictions: usize;
  /**
   * one Scratch struct per thread; the functions of blocks.ts set its pointers to the sums of the row that they process
   */
  scratches: usize;
}
