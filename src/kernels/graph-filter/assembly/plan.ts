// Struct of the graph filter's kernel, which ../binding.ts writes.

/** A bipartite graph of users and items, and the components that the filter adds; pointers are byte offsets. */
export class FilterPlan {
  numUsers: u32;
  numItems: u32;
  /** u32[numUsers + 1] and u32[numEntries]: the items of each user */
  userEnds: usize;
  userItems: usize;
  /** u32[numItems + 1] and u32[numEntries]: the users of each item */
  itemEnds: usize;
  itemUsers: usize;
  /** f32[numUsers]: 1 / d_u; 0 if d_u is 0 */
  userScale: usize;
  /** f32[numItems]: 1 / d_i; 0 if d_i is 0 */
  itemScale: usize;
  /** f32[numItems], padded to a multiple of 4: factor by which finishPanels multiplies each row of a panel */
  after: usize;
  /** d: number of dimensions of the components; 0 without components */
  dim: u32;
  /** W, f32[ceil(numItems / 4)][d][4]: stores four items side by side */
  components: usize;
}
