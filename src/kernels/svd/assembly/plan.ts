// Struct of the decomposition's kernel, which ../binding.ts writes.

/** A sparse matrix in compressed rows; pointers are byte offsets. */
export class SparsePlan {
  /** u32[numRows + 1] */
  indptr: usize;
  /** u32[numEntries] */
  indices: usize;
  /** f32[numEntries]: value of each entry; 0 when all are 1 */
  values: usize;
  /** f32[numRows]: diagonal of D; 0 if D is the identity */
  scale: usize;
  /** f32[numRows]: f, or 0 */
  shift: usize;
}
