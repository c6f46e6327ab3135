// Struct of the graph filter's kernel, which ../binding.ts writes.

/**
 * A bipartite graph of users and items, and the leading eigenvectors that the filter uses; pointers are byte offsets.
 */
export class FilterPlan {
  numUsers: u32;
  numItems: u32;
  /** items of each user in compressed rows: ends u32[numUsers + 1], and items u32[numEntries] */
  userEnds: usize;
  userItems: usize;
  /** users of each item in compressed rows: ends u32[numItems + 1], and users u32[numEntries] */
  itemEnds: usize;
  itemUsers: usize;
  /** 1 / (number of items) of each user, f32[numUsers]; 0 for a user without items */
  userScale: usize;
  /** 1 / (number of users) of each item, f32[numItems]; 0 for an item without users */
  itemScale: usize;
  /** f32[numItems], padded to a multiple of 4: factor by which finishPanels multiplies each row of a panel */
  after: usize;
  /** d: number of dimensions of the eigenvectors that add to the scores; 0 without them */
  dim: u32;
  /**
   * rows of the items in the matrix of leading eigenvectors, f32[ceil(numItems / 4)][d][4], with four items side by
   * side
   */
  components: usize;
}
