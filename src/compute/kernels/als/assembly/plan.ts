// Structs of the least-squares kernel, written by ../binding.ts; pointers are byte offsets.

/** Number of events gathered at a time; a block of dimensions of their vectors fits in the first-level cache. */
export const CHUNK: u32 = 128;

/** Number of rows solved side by side, so that the Gram matrix is read once for all of them. */
export const ROWS: u32 = 8;

/** Arrays for the half of an epoch in which one side, users or items, is updated. */
export class Side {
  /** D: number of dimensions, padded to a multiple of 8 */
  dim: u32;
  /** b: number of dimensions that are solved together (a block), a multiple of 8 */
  block: u32;
  /** f32[n][D]: matrix W, the vectors of the updated side */
  rows: usize;
  /** f32[m][D]: matrix H, the vectors of the other side */
  others: usize;
  /** u32[n + 1]: row r has events indptr[r] .. indptr[r + 1] */
  indptr: usize;
  /** u32[numEvents]: row of each event in H */
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

/** Buffers of one thread. */
export class Scratch {
  /** f32[2][D][4]: vectors of eight rows of the updated side, each with D dimensions, packed four side by side */
  packed: usize;
  /** predicted score of each event, f32[maximum number of events in eight consecutive rows] */
  predictions: usize;
  /** f32[2][b / 8][4][8]: products of eight rows with b columns of the Gram matrix, in tiles of four by eight */
  products: usize;
  /** vectors h of CHUNK events in f32 panels of eight dimensions; and the same times the events' confidences */
  gathered: usize;
  weighted: usize;
  /** f32[CHUNK]: confidence times (score - 1) of each gathered event */
  gradients: usize;
  /** b x b in f32 panels of eight columns: A, later its Cholesky factor U; and -U */
  matrix: usize;
  negated: usize;
  /** f32[b]: the gradient g; 1 / (diagonal element of U); the step A^-1 g */
  gradient: usize;
  inverses: usize;
  step: usize;
}

/** Sums for a group of rows whose events arrive in blocks, because not all vectors of the other side are in memory. */
export class Sums {
  /** A of each row of the group, b x b in f32 panels of eight columns */
  matrices: usize;
  /** f32[b] for each row: its gradient g; and its step in the block of dimensions solved before this one */
  gradients: usize;
  steps: usize;
  /** f32[numEvents]: score of each event of the block that is in memory */
  predictions: usize;
  /** one Scratch struct per thread, pointed to the sums of the row in turn */
  scratches: usize;
}
