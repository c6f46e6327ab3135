// The structs of the graph, of a thread's scratch and of a search, and how a candidate fits one number.
//
//   n      nodes                           d     numbers of a vector, zeros up to a multiple of 4
//   M      links of a node on a level above 0, at most; 2 M on level 0
//   row    of links: u32[2 M] or u32[M], ended by NONE where it is not full
//   key    u64 of a candidate: its distance above, its node below, so that keys ascend by distance and then by node
//
//          63            32 31        1  0
//          ├─ distance ────┼── node ───┼─┤ mark

/** Ends a row of links; no item. */
export const NONE: u32 = 0xffffffff;

/** A graph; pointers are byte offsets. */
export class Graph {
  /** d */
  dim: u32;
  numNodes: u32;
  /** 1: squared Euclidean distances; 0: negated inner products */
  isL2: u32;
  /** links a row above level 0 */
  m: u32;
  /** links a row of level 0 */
  m0: u32;
  /** candidates that a new node chooses its neighbors from */
  efConstruction: u32;
  /** where every search begins */
  entry: u32;
  /** its level, the highest */
  maxLevel: u32;
  /** f32[n][d] */
  vectors: usize;
  /** u8[n] */
  levels: usize;
  /** u32[n][m0] */
  links: usize;
  /** u32[n]: a node's row of level 1; those of its higher levels follow */
  upperRows: usize;
  /** u32[rows][m] */
  upperLinks: usize;
  // while it is built:
  /** u32[n]: the nodes in the order in which they are added */
  order: usize;
  /** f32, as the links: distance to each */
  distances: usize;
  upperDistances: usize;
  /** u8[n], u8[rows]: how many links of a row, its first ones, are known to be far enough from one another */
  checked: usize;
  upperChecked: usize;
}

/** What a thread works with. */
export class Scratch {
  /** u8[n]: the epoch that a node was last seen in */
  marks: usize;
  /** 1 to 255 */
  epoch: u32;
  /** u64[ef]: keys, ascending; a mark says that the node's neighbors were looked at */
  pool: usize;
  /** how many it holds */
  size: u32;
  /** u32[m0 + 3] and f32[m0 + 3]: nodes and their distances */
  nodes: usize;
  distances: usize;
  /** u64[m0 + 1]: keys of links to choose from; a mark says that the link is not checked */
  candidates: usize;
  /** u32[m0 + 3] each: of these, nodes that are kept, and those of them that were not checked before */
  kept: usize;
  fresh: usize;
  /** distances computed since it was last read */
  numDistances: u32;
}

/** What is searched for. */
export class Search {
  graph: Graph;
  /** f32[numQueries][d] */
  queries: usize;
  /** K: nodes a list */
  top: u32;
  /** candidates of a search, K at least */
  ef: u32;
  /** to which it may grow where masks leave too few; the pools have room for as many */
  mostEf: u32;
  /** u32[n], ascending: what masks call a node */
  labels: usize;
  /** u32[numQueries + 1]: a query never finds labels masks[maskEnds[q] .. maskEnds[q + 1]), ascending */
  maskEnds: usize;
  masks: usize;
  /** u32[numQueries][K]: labels; NONE where fewer could be found */
  found: usize;
  /** f32[numQueries][K]: inner products, or negated squared distances */
  scores: usize;
}

/** A candidate without a mark. */
export function keyOf(distance: f32, node: u32): u64 {
  const bits = reinterpret<u32>(distance);
  // negative numbers descend by their bits
  const above = bits ^ ((<u32>((<i32>bits) >> 31)) | 0x80000000);
  return ((<u64>above) << 32) | (node << 1);
}

/** Its node. */
export function nodeOf(key: u64): u32 {
  return (<u32>key) >>> 1;
}

/** Its distance. */
export function distanceOf(key: u64): f32 {
  const above = <u32>(key >> 32);
  return reinterpret<f32>(above ^ ((<u32>((<i32>~above) >> 31)) | 0x80000000));
}
