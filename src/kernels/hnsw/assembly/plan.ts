// Structs of the graph, of a thread's buffers and of a search; and the integer format of a candidate.
//
//   n      nodes                           d     dimension, padded with zeros to a multiple of 4
//   M      maximum number of links of a node on a level above 0; 2 M on level 0
//   row    of links: u32[2 M] or u32[M], ended by NONE if it is not full
//   key    u64 of a candidate: its distance in the upper half, its node in the lower, so that keys sort by distance and
//          then by node
//
//          63            32 31        1  0
//          ├─ distance ────┼── node ───┼─┤ mark

/** Value that ends a row of links, and fills up a list of found items. */
export const NONE: u32 = 0xffffffff;

/** A graph of nearest neighbors; pointers are byte offsets. */
export class Graph {
  /** d: number of dimensions, padded */
  dim: u32;
  numNodes: u32;
  /** 1 if distances are squared Euclidean distances, 0 if they are negated inner products */
  isL2: u32;
  /** maximum number of links of a node on each level above 0 */
  m: u32;
  /** maximum number of links of a node on level 0 */
  m0: u32;
  /** number of candidates among which a new node selects its neighbors */
  efConstruction: u32;
  /** node of the graph where every search begins */
  entry: u32;
  /** level of the node where every search begins, the highest of the graph */
  maxLevel: u32;
  /** vector of each node, f32[n][d] */
  vectors: usize;
  /** highest level of each node, u8[n] */
  levels: usize;
  /** u32[n][m0]: at most m0 links of each node on level 0 */
  links: usize;
  /** u32[n]: index of the row with a node's links on level 1; the rows of its higher levels follow */
  upperRows: usize;
  /** u32[rows][m]: links of nodes on levels above 0, at most m in each row */
  upperLinks: usize;
  // the following fields of the struct are used only while the graph is built
  /** u32[n]: nodes in the order in which they are added */
  order: usize;
  /** f32, parallel to the links: distance of each link */
  distances: usize;
  upperDistances: usize;
  /**
   * for each list of links, on level 0 (u8[n]) and on higher levels (u8[rows]): how many of its first links are known
   * to be far enough from each other
   */
  checked: usize;
  upperChecked: usize;
}

/** Buffers of one thread. */
export class Scratch {
  /** u8[n]: number of the search that last visited each node */
  marks: usize;
  /** number of the current search, 1 to 255, which is stored in `marks` */
  epoch: u32;
  /**
   * u64[ef]: candidate pool, keys in ascending order; the mark of a key says that the node's neighbors have been
   * visited
   */
  pool: usize;
  /** number of candidates in the pool */
  size: u32;
  /** u32[m0 + 3] and f32[m0 + 3]: nodes whose distances from a vector are computed, and these distances */
  nodes: usize;
  distances: usize;
  /**
   * u64[m0 + 1]: keys of the links among which to select; the mark of a key says that the link has not been compared
   * with the others
   */
  candidates: usize;
  /**
   * u32[m0 + 3] each: nodes selected so far; and those among them that have not been compared with the others before
   * (their keys are marked)
   */
  kept: usize;
  fresh: usize;
  /** number of distances computed since the caller last read it */
  numDistances: u32;
}

/** Input and output of a search for many queries. */
export class Search {
  graph: Graph;
  /** vector of each query, f32[numQueries][d] */
  queries: usize;
  /** K: number of nodes per list */
  top: u32;
  /** size of the candidate list (ef), at least K */
  ef: u32;
  /** maximum size of the candidate list when masks leave too few nodes; pools have room for it */
  mostEf: u32;
  /** u32[n], ascending: the label of each node in masks and results */
  labels: usize;
  /**
   * masks[maskEnds[q] .. maskEnds[q + 1]) are the labels, ascending, that query q must not find; maskEnds is
   * u32[numQueries + 1]
   */
  maskEnds: usize;
  masks: usize;
  /** u32[numQueries][K]: labels of the K nodes found for each query; NONE fills the rest */
  found: usize;
  /** f32[numQueries][K]: scores of the K nodes found for each query: inner products, or negated squared distances */
  scores: usize;
}

/**
 * Returns the key by which a candidate is sorted: its distance in the upper bits, then its node; the lowest bit, the
 * mark, is 0.
 */
export function keyOf(distance: f32, node: u32): u64 {
  const bits = reinterpret<u32>(distance);
  // as integers, the bits of negative floats sort in reverse order, so they are inverted
  const above = bits ^ (<u32>(<i32>bits >> 31) | 0x80000000);
  return ((<u64>above) << 32) | (node << 1);
}

/** Returns the node in the key of a candidate. */
export function nodeOf(key: u64): u32 {
  return <u32>key >>> 1;
}

/** Returns the distance in the key of a candidate. */
export function distanceOf(key: u64): f32 {
  const above = <u32>(key >> 32);
  return reinterpret<f32>(above ^ (<u32>(<i32>~above >> 31) | 0x80000000));
}
