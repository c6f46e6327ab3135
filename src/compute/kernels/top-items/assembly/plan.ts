// The structs of the search for best items, as ../binding.ts writes them; pointers are byte offsets.

/** Maximum number of queries of a call. */
export const BLOCK_QUERIES: u32 = 128;

/** Maximum length of a sorted list. Longer ones are heaps, because an insertion would move half of a sorted list. */
export const LONG_LIST: u32 = 128;

/** Bytes of a tile's items as integers; a tile has at least one panel. */
export const INTEGER_BYTES: u32 = 32768;

/** Pairs of a query and an item that wait for their exact score. */
export const NUM_PAIRS: u32 = 1024;

/** The items and queries of a search, and the lists of found items. */
export class Search {
  dim: u32;
  numItems: u32;
  /** K */
  top: u32;
  /** 1 if any weight is neither 0 nor -Infinity */
  weighted: u32;
  /** f32[numQueries][d] */
  queries: usize;
  /** f32[ceil(numItems / 8)][d][8] */
  panels: usize;
  /** f32[numItems], with room up to a multiple of 8; an item with the weight -Infinity is never found */
  weights: usize;
  /** u32[numQueries + 1] and u32: query q must not find items masks[maskEnds[q] .. maskEnds[q + 1]), ascending */
  maskEnds: usize;
  masks: usize;
  /** output: u32[numQueries][K] and f32[numQueries][K] */
  found: usize;
  scores: usize;
}

/** Buffers of one thread. n = ceil((d + 1) / 2): pairs of dimensions, of which the weight is one. */
export class Scratch {
  /** f32[4][8] or i32[4][8]: scores or their bounds */
  tile: usize;
  /** f32[Q / 4][d][4]: queries, four side by side */
  packed: usize;
  /** i16[Q / 4][n][4][2] */
  integerQueries: usize;
  /** i16[panels of a tile][n][8][2] */
  integerItems: usize;
  /** QueryBound[Q] */
  bounds: usize;
  /** u32[NUM_PAIRS][2]: query and item */
  pairs: usize;
}

/** Bound on the scores of a query; integer-bound.ts defines the symbols. */
export class QueryBound {
  /** 1 / t */
  inverseScale: f64;
  /** C */
  margin: f64;
  /** T for the current tile */
  threshold: i32;
}
