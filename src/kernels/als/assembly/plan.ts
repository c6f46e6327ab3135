// Structs of the least-squares kernel, written by ../binding.ts; pointers are byte offsets.

/** Number of a row's events that are gathered at a time; their panels of a block fit in the first-level cache. */
export const CHUNK: u32 = 128;

/** Number of rows solved side by side, so that G is read once for all of them. */
export const ROWS: u32 = 8;

/** Arrays for one half of an epoch. */
export class Side {
  /** D: number of dimensions, padded to a multiple of 8 */
  dim: u32;
  /** b: number of dimensions of a block, a multiple of 8 */
  block: u32;
  /** W, f32[n][D] */
  rows: usize;
  /** H, f32[m][D] */
  others: usize;
  /** u32[n + 1]: row r has events indptr[r] .. indptr[r + 1] */
  indptr: usize;
  /** u32[numEvents]: rows of H */
  indices: usize;
  /** f32[numEvents], or 0 when the confidence of every event is 1 */
  confidences: usize;
  /** f32[n] */
  penalties: usize;
  /** Gram matrix G of the other side, in f32 panels of [D][D] */
  gram: usize;
  /** f64[n] */
  losses: usize;
}

/** Buffers that belong to one thread. */
export class Scratch {
  /** f32[2][D][4] */
  packed: usize;
  /** f32[maximum number of events in eight consecutive rows]: scores s */
  predictions: usize;
  /** f32[2][b / 8][4][8] */
  products: usize;
  /** gathered vectors h_b of a chunk's events, in f32 panels of [CHUNK][D]; and the same vectors times their confidences */
  gathered: usize;
  weighted: usize;
  /** f32[CHUNK] */
  gradients: usize;
  /** f32 panels of [b][b]: the matrix A, which its factor U then replaces; and the negated factor -U */
  matrix: usize;
  negated: usize;
  /** f32[b] each: the gradient g; 1 / (diagonal element of U); the step A^-1 g */
  gradient: usize;
  inverses: usize;
  step: usize;
}

/** Sums of a group of rows whose events arrive block after block. */
export class Sums {
  /** f32[group][b][b] in panels: the matrices A */
  matrices: usize;
  /** f32[group][b] each: the gradients g, and the last steps */
  gradients: usize;
  steps: usize;
  /** f32[numEvents]: predictions of the events of the block in memory */
  predictions: usize;
  /** Scratch[numThreads]: scratches whose pointers the functions of blocks.ts change */
  scratches: usize;
}
