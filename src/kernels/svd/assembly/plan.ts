// Struct of the decomposition's kernel, which ../binding.ts writes.

/** A sparse matrix in compressed rows; pointers are byte offsets. */
export class SparsePlan {
  /** start of each row's entries, u32[numRows + 1] */
  indptr: usize;
  /** column of each entry, u32[numEntries] */
  indices: usize;
  /** f32[numEntries]: value of each entry; 0 when all are 1 */
  values: usize;
  /** f32[numRows]: diagonal of D; 0 if D is the identity */
  scale: usize;
  /** shift f of each row, f32[numRows]; 0 without a shift */
  shift: usize;
}
