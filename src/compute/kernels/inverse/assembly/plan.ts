/** Number of columns that are swept together; also the number of rows of one call. */
export const SWEEP_BLOCK: u32 = 64;

/** The arrays of the kernel, written by ../binding.ts; pointers are byte offsets. */
export class Plan {
  /** N: number of rows and of columns */
  size: u32;
  matrix: usize;
  /** C */
  panel: usize;
  /** L */
  left: usize;
  /** D */
  pivot: usize;
}
