// Struct and block size of the inverse kernel.

/** Number of columns that are swept together; also the number of rows of one call. */
export const SWEEP_BLOCK: u32 = 64;

/** The arrays of the kernel, written by ../binding.ts; pointers are byte offsets. */
export class Plan {
  /** N: number of rows and of columns */
  size: u32;
  matrix: usize;
  /** column panel C of the block that is swept, eight rows side by side */
  panel: usize;
  /** product L = -C D of the column panel with the inverse of the diagonal block */
  left: usize;
  /** matrix D, the inverse of the diagonal block */
  pivot: usize;
}
