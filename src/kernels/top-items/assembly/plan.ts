// The structs of the search for best items, as ../binding.ts writes them; pointers are byte offsets.

/** Maximum number of queries of a kernel call. */
export const BLOCK_QUERIES: u32 = 128;

/**
 * Maximum length of a sorted list. Longer lists are heaps until the search ends, because an insertion would move half
 * of a sorted list.
 */
export const LONG_LIST: u32 = 128;

/** Maximum number of bytes of a tile's items as integers; a tile has at least one panel. */
export const INTEGER_BYTES: u32 = 32768;

/** Maximum number of pairs of a query and an item that wait for their exact score. */
export const NUM_PAIRS: u32 = 1024;

/** The items and queries of a search, and the lists of found items. */
export class Search {
  dim: u32;
  numItems: u32;
  /** K: number of items per list */
  top: u32;
  /** 1 if any weight is neither 0 nor -Infinity */
  weighted: u32;
  /** vector of each query, f32[numQueries][d] */
  queries: usize;
  /** vectors of the items, eight side by side: f32[ceil(numItems / 8)][d][8] */
  panels: usize;
  /**
   * weight of each item, f32[numItems], with room up to a multiple of 8; an item with the weight -Infinity is never
   * found
   */
  weights: usize;
  /**
   * masks[maskEnds[q] .. maskEnds[q + 1]) are the items, ascending, that query q must not find; maskEnds is
   * u32[numQueries + 1]
   */
  maskEnds: usize;
  masks: usize;
  /** output, u32[numQueries][K]: the K items of each query's list */
  found: usize;
  /** output, f32[numQueries][K]: scores of the K items in each query's list */
  scores: usize;
}

/**
 * Buffers of one thread. n = ceil((d + 1) / 2) is the number of pairs of dimensions, where the weight is one more
 * dimension.
 */
export class Scratch {
  /** tile of scores or of their bounds, f32[4][8] or i32[4][8] */
  tile: usize;
  /** f32[Q / 4][d][4]: vectors of the queries of a block, packed four side by side */
  packed: usize;
  /** i16[Q / 4][n][4][2]: the queries' vectors, scaled and rounded to integers */
  integerQueries: usize;
  /** i16[panels of a tile][n][8][2]: the vectors of a tile's items, scaled and rounded to integers */
  integerItems: usize;
  /** QueryBound[Q]: data of the upper bound on the scores of each of Q queries */
  bounds: usize;
  /** pairs of a query and an item that wait for their exact score, u32[NUM_PAIRS][2] */
  pairs: usize;
}

/** Bound on the scores of a query; integer-bound.ts defines the symbols. */
export class QueryBound {
  /** 1 / t, the inverse scale of the query */
  inverseScale: f64;
  /** C: bound on the error of integer scores by rounding */
  margin: f64;
  /** threshold T on integer scores for the current tile */
  threshold: i32;
}
