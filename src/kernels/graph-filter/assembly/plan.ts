// The struct of the graph filter's kernel, as ../binding.ts writes it.

/** A bipartite graph of users and items, and the components added to its filter; pointers are byte offsets. */
export class FilterPlan {
  numUsers: u32;
  numItems: u32;
  /** u32[numUsers + 1] and u32[numEntries]: the items of each user */
  userEnds: usize;
  userItems: usize;
  /** u32[numItems + 1] and u32[numEntries]: the users of each item */
  itemEnds: usize;
  itemUsers: usize;
  /** f32[numUsers]: 1 / d_u, or 0 */
  userScale: usize;
  /** f32[numItems]: 1 / d_i, or 0 */
  itemScale: usize;
  /** f32[numItems], padded to a multiple of 4: final factor of each row of the panel */
  after: usize;
  /** d: dimensions of the components, or 0 */
  dim: u32;
  /** W, f32[ceil(numItems / 4)][d][4]: four items side by side */
  components: usize;
}
