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

export class LinkGraph {
  /** d */
  dim: u32;
  numNodes: u32;
  /** 1 if distances are squared Euclidean distances, 0 if they are negated inner products */
  isL2: u32;
  /** M: maximum number of links of a node on levels above 0, and on level 0 */
  m: u32;
  m0: u32;
  /** number of candidates among which a new node selects its links */
  efConstruction: u32;
  /** node where every search begins, and its level, the highest */
  entry: u32;
  maxLevel: u32;
  /** f32[n][d] */
  vectors: usize;
  /** u8[n]: highest level of each node */
  levels: usize;
  /** u32[n][m0]: links on level 0 */
  links: usize;
  /** u32[n]: index of the row with a node's links on level 1; the rows of its higher levels follow */
  upperRows: usize;
  /** u32[rows][m]: links on levels above 0 */
  upperLinks: usize;
  // the following fields of the struct are used only while the graph is built
  /** u32[n]: nodes in the order in which they are added */
  order: usize;
  /** f32, parallel to the links: distance of each link */
  distances: usize;
  upperDistances: usize;
  /** u8[n] and u8[rows]: how many of the first links of each list are known to be far enough from each other */
  checked: usize;
  upperChecked: usize;
}

/** Buffers of one thread. */
export class Scratch {
  /** u8[n]: number of the search that last visited each node */
  marks: usize;
  /** number of the current search, 1 to 255, which is stored in `marks` */
  epoch: u32;
  /** u64[ef]: candidate pool, ascending; the mark of a key says that the node's neighbors have been visited */
  pool: usize;
  size: u32;
  /** u32[m0 + 3] and f32[m0 + 3]: nodes whose distances from a vector are computed, and these distances */
  nodes: usize;
  distances: usize;
  /** u64[m0 + 1]: keys of links to select from; the mark says that a link has not been compared with the others */
  candidates: usize;
  /** u32[m0 + 3] each: nodes selected so far; and the marked ones among them */
  kept: usize;
  fresh: usize;
  /** number of distances computed since the caller last read it */
  numDistances: u32;
}

/** Input and output of a search for many queries. */
export class HnswSearch {
  graph: LinkGraph;
  /** f32[numQueries][d] */
  queries: usize;
  /** K: number of nodes per list */
  top: u32;
  /** ef, at least K */
  ef: u32;
  /** maximum ef if masks leave too few nodes; pools have room for it */
  mostEf: u32;
  /** u32[n], ascending: the label of each node in masks and results */
  labels: usize;
  /** u32[numQueries + 1] and u32: query q must not find labels masks[maskEnds[q] .. maskEnds[q + 1]), ascending */
  maskEnds: usize;
  masks: usize;
  /** u32[numQueries][K]: labels of the found nodes; NONE fills the rest */
  found: usize;
  /** f32[numQueries][K]: inner products, or negated squared distances */
  scores: usize;
}

/** Returns a key without a mark. */
export function keyOf(distance: f32, node: u32): u64 {
  const bits = reinterpret<u32>(distance);
  // as integers, the bits of negative floats sort in reverse order, so they are inverted
  const above = bits ^ (<u32>(<i32>bits >> 31) | 0x80000000);
  return ((<u64>above) << 32) | (node << 1);
}

export function nodeOf(key: u64): u32 {
  return <u32>key >>> 1;
}

export function distanceOf(key: u64): f32 {
  const above = <u32>(key >> 32);
  return reinterpret<f32>(above ^ (<u32>(<i32>~above >> 31) | 0x80000000));
}
