// The structs of the search for best items, as ../binding.ts writes them; pointers are byte offsets.

/** Most queries of a kernel call. */
export const BLOCK_QUERIES: u32 = 128;

/** Lists above this length are heaps until the search ends: inserting into a sorted list would move half of it. */
export const LONG_LIST: u32 = 128;

/** Bytes of a tile of items as integers; a tile has one panel at least. */
export const INTEGER_BYTES: u32 = 32768;

/** Room for pairs of a query and an item that wait for their exact score. */
export const NUM_PAIRS: u32 = 1024;

/** The items and queries of a search, and the lists. */
export class Search {
  dim: u32;
  numItems: u32;
  /** K: items a list */
  top: u32;
  /** 1 if a weight is neither 0 nor -Infinity */
  weighted: u32;
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

/** The memory that a thread works in. n = ceil((d + 1) / 2) is the number of pairs of dimensions, the weight included. */
export class Scratch {
  /** f32[4][8] or i32[4][8] */
  tile: usize;
  /** f32[Q / 4][d][4]: queries four side by side */
  packed: usize;
  /** i16[Q / 4][n][4][2]: the same as integers */
  integerQueries: usize;
  /** i16[panels of a tile][n][8][2] */
  integerItems: usize;
  /** QueryBound[Q] */
  bounds: usize;
  /** u32[NUM_PAIRS][2]: query and item */
  pairs: usize;
}

/** The bound on the scores of a query; integer-bound.ts has the symbols. */
export class QueryBound {
  /** 1 / t */
  inverseScale: f64;
  /** C */
  margin: f64;
  /** T in the current tile */
  threshold: i32;
}
