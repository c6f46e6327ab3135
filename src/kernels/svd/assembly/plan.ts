// Struct of the decomposition's kernel, which ../binding.ts writes.

/** A sparse matrix in compressed rows; pointers are byte offsets. */
export class SparsePlan {
  /** start of each row's entries, u32[numRows + 1] */
  indptr: usize;
  /** column of each entry, u32[numEntries] */
  indices: usize;
  /** f32[numEntries]: value of each entry; 0 when all are 1 */
  values: usize;
  /** scale of each row (diagonal of D), f32[numRows]; 0 if no row is scaled */
  scale: usize;
  /** number f that is subtracted from each row of the product, f32[numRows]; 0 without a shift */
  shift: usize;
}
