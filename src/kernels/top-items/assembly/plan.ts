// The struct of the search for best items, and where queries lie in a thread's scratch.

/** Bytes of the f32[4][8] at the head of a thread's scratch; packed queries follow. */
export const PACKED: usize = 128;

/** Lists above this length are heaps until the search ends: inserting into a sorted list would move half of it. */
export const LONG_LIST: u32 = 128;

/** What is searched, as ../binding.ts writes it; pointers are byte offsets. */
export class Search {
  dim: u32;
  numItems: u32;
  /** K: items a list */
  top: u32;
  /** f32[numQueries][d] */
  queries: usize;
  /** f32[ceil(numItems / 8)][d][8] */
  panels: usize;
  /** f32[numItems], room up to a multiple of 8; an item of -Infinity is never found */
  weights: usize;
  /** u32[numQueries + 1]: a query never finds items masks[maskEnds[q] .. maskEnds[q + 1]), ascending */
  maskEnds: usize;
  masks: usize;
  /** u32[numQueries][K] */
  found: usize;
  /** f32[numQueries][K] */
  scores: usize;
}
