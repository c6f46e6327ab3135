// The struct of the decomposition's kernel, as ../binding.ts writes it.

/** A sparse matrix by rows; pointers are byte offsets. */
export class SparsePlan {
  /** u32[numRows + 1] */
  indptr: usize;
  /** u32[numEntries] */
  indices: usize;
  /** f32[numEntries], or 0 when all are 1 */
  values: usize;
  /** f32[numRows]: the diagonal of D, or 0 */
  scale: usize;
  /** f32[numRows]: f, or 0 */
  shift: usize;
}
