// Struct of the kernel that inverts a matrix, and its block size.

/** Number of columns that are swept together; also the number of rows of one call. */
export const SWEEP_BLOCK: u32 = 64;

/** The arrays of the kernel, written by ../binding.ts; pointers are byte offsets. */
export class Plan {
  /** N: number of rows and of columns */
  size: u32;
  matrix: usize;
  /** column panel C of the block that is being swept: its 64 columns, packed eight rows side by side */
  panel: usize;
  /** negated product L = -C D of the panel C with the inverse D of the diagonal block, packed four rows side by side */
  left: usize;
  /** inverse D of the diagonal block that is being swept, f32[64][64] */
  pivot: usize;
}
