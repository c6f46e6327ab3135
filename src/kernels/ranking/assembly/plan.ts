// The ranking kernel's arguments, as structs in shared memory; ../binding.ts writes them.
// All fields are four bytes, pointers are byte offsets, 64-byte aligned; a pointer is 0 for an array that is absent.
//
//   n   features        d   dimensions        J   slices of 8 dimensions        D   8 J: the width of a row
//   E   events          I   items             M   candidates an event           N   negatives that a batch shares
//   B   events whose scores are computed together: 256                          R   features of a batch at most

import { BatchNegatives, NegativeSource } from "../../shared/assembly/negatives";
import { PairRows } from "../../shared/assembly/rows";

/** Events whose scores are computed together: a batch of pairs, or part of a batch that shares its negatives. */
export const B: u32 = 256;
/** Dimensions a slice. */
export const K: u32 = 8;
/** Bytes of a slice of a row. */
export const SLICE: usize = 32;

/** Events whose scores are computed together in strata, where rows wait for no memory. */
export const S: u32 = 16;

/** Events of one kernel call. */
export const BLOCK: u32 = 4096;

/** Methods of a step; Adam is for the losses whose negatives are shared, SGD for pairs of single features (`Plan.single`). */
export const ADAGRAD: u32 = 0;
export const ADAM: u32 = 1;
export const SGD: u32 = 2;

export const BPR: u32 = 0;
export const WARP: u32 = 1;
export const SAMPLED_SOFTMAX: u32 = 2;
export const CCL: u32 = 3;

/** The model, the events and how they are learned from. Read by every thread, written by none. */
export class Plan extends NegativeSource {
  barrier: usize;
  numThreads: u32;
  numFeatures: u32;
  dim: u32;
  /** J */
  numSlices: u32;
  /** VectorTable[numTables]; one in strata and where negatives are shared, for there a thread reads all slices */
  tables: usize;
  numTables: u32;
  /** f32[n][2 D + 2 J]: what Adam keeps, m, s, and of each slice 1 - b1^t and 1 - b2^t, `momentStride` bytes a feature */
  moments: usize;
  momentStride: u32;
  /** f32[n][2]: w and its accumulator; of Adam f32[n][8]: w, m, s, 1 - b1^t, 1 - b2^t; of SGD w alone. `weightStride` bytes a feature */
  weights: usize;
  weightStride: u32;
  method: u32;
  /** the features of an event but its item's */
  context: PairRows;
  /** the features of an item */
  templates: PairRows;
  /** 1 when context and templates have one feature of value 1 a row: user and item alone */
  single: u32;
  /** f32[E]; 0 when all are 1 */
  eventWeights: usize;
  /** u32[2^b / 32]: bit `membershipBit` of each (user, item) of the history is set, those of few others */
  memberships: usize;
  /** 32 - b */
  membershipShift: u32;
  loss: u32;
  /** 1: vectors of a score are divided by their lengths, and there are no weights */
  cosine: u32;
  /** 1: events of one user in a batch count together as one */
  averages: u32;
  /** events between two steps of shared negatives: a divisor of 4,096 */
  batchSize: u32;
  /** which of an event's candidates is its negative: the one of a rank drawn from .. to by score, 1 the highest (BPR) */
  fromRank: u32;
  toRank: u32;
  /** of pairs; shared negatives are given theirs block by block */
  learningRate: f32;
  l2Weight: f32;
  l2Vector: f32;
  /** of the hinge (WARP), or above which a negative's cosine counts (CCL) */
  margin: f32;
  /** of the negatives against the positive (CCL, sampled softmax) */
  negativeWeight: f32;
  temperature: f32;
  /** f32[M + 1]: weight of an event whose first violating candidate is the k-th (WARP) */
  rankWeights: usize;
  /** u32[2][4096][M + 2]: of each of a block's events its context, its item and its candidates, alternating with the block's number */
  candidates: usize;
  /** f32[2][J + 1][B][M + 1]: partial scores, alternating with the batch's number */
  partials: usize;
  /** 0 unless pairs are `single` */
  strata: Strata;
  contrast: Contrast;
  /** 0 without layers */
  graph: Graph;
  /** 1: training goes through the layers; 0: they are applied to what it leaves */
  through: u32;
}

/** Slices from .. to - 1 of all vectors, which lie side by side (../tables.ts). */
export class VectorTable {
  fromSlice: u32;
  toSlice: u32;
  /**
   * f32[n][8 s + s]: v and AdaGrad's accumulators of its s slices, `stride` bytes a feature; dimensions beyond d are zero; of Adam and
   * SGD v alone. The address is that of slice 0, were it there; `squares` bytes behind it, the accumulator of slice 0.
   */
  vectors: usize;
  stride: u32;
  squares: u32;
}

/** Blocks of an epoch's events that share no row (strata.ts). */
export class Strata {
  /** P, a power of two */
  groups: u32;
  /** u32[P]: by how much each round's item groups are ahead of its user groups */
  rounds: usize;
  /** u32[T][P^2]: each thread's events of each block */
  counts: usize;
  /** u32[P^2 + 1] */
  ends: usize;
  /** u16[E]: the block of each event */
  blocks: usize;
  /** u32[E][4], block after block: the event, the features and numbers of its user and item: event, context's feature, user, item */
  events: usize;
  /** u32[P + 1], u32[I]: the items of each group */
  itemEnds: usize;
  groupItems: usize;
  /** u32[I]: chance of an item among the negatives, in 2^-31; u32[I]: their sums over a group up to each item. 0 when uniform */
  chances: usize;
  sums: usize;
  /** u32[P][T], padded to cache lines: blocks of each round that have been taken of each thread's user groups */
  taken: usize;
  /** f64[P^2]: the losses of each block */
  losses: usize;
}

/** Users and items that the training events join, and the layers that their vectors are propagated through (layers.ts). */
export class Graph {
  numLayers: u32;
  /** u32[n + 1], u32[2 pairs]: feature f is joined to neighbors[ends[f]] .. neighbors[ends[f + 1] - 1] */
  ends: usize;
  neighbors: usize;
  /** f32[n]: 1 / sqrt(number of neighbors), or 0 */
  scales: usize;
  /** f32[n][D]: all vectors behind the layers, where they are asked for */
  propagated: usize;
}

/** A batch of the losses whose negatives are shared: what its phases hand on to one another. */
export class Contrast {
  /** f32[N][D]: the negatives, divided by their lengths when cosine */
  negatives: usize;
  /** f32[N / 8][D][8]: the same, eight side by side */
  panels: usize;
  /** f32[N]: 1 / length, or 1 */
  negativeScales: usize;
  /** f32[N]: w and inner products of a negative's own features; 0 when cosine */
  offsets: usize;
  /** f32[N][D]: dLoss/dnegative, before the division by its length */
  negativeGradients: usize;
  /** f32[R][D]: dLoss/dv of the batch's features, and f32[R]: of their w */
  rowGradients: usize;
  rowWeightGradients: usize;
  /** f32[R][D]: their vectors behind the layers; 0 without layers */
  rows: usize;
  /** f32[B][D], f32[B]: the events' contexts */
  contexts: usize;
  contextScales: usize;
  /** f32[B][D], f32[B]: their items */
  positives: usize;
  positiveScales: usize;
  /** f32[B / 4][N][4]: scores, then dLoss/dscore */
  gradients: usize;
  /** f32[B / 4][N]: sums over four events of dLoss/dscore; inner products only */
  columns: usize;
  /** f32[B][D]: dLoss/dcontext, before the division by its length */
  contextGradients: usize;
  /** f32[B]: score of the event's own item, and its dLoss/dscore */
  positiveScores: usize;
  positiveGradients: usize;
  /** f32[B] */
  losses: usize;
}

/** One thread's own. */
export class Thread extends BatchNegatives {
  /** of the slices that it works on, which a table has, and of this table (VectorTable) */
  fromSlice: u32;
  toSlice: u32;
  vectors: usize;
  stride: u32;
  squares: u32;
  /** f64: sum of the losses since it was last cleared; on the last thread only */
  loss: f64;
  batchNumber: u32;
  blockNumber: u32;
  /** u32[4096]: the block's events in the order of visit */
  order: usize;
  /** f32[B][M + 1]: scores, the event's own item first */
  scores: usize;
  /** f32[B]: score of the event's item less its negative's, then dLoss of it */
  gradients: usize;
  /** u32[B]: the negative of each event: the item, in strata its feature */
  negatives: usize;
  /** u32[P^2]: where the thread's next event of each block goes */
  places: usize;
  /** u32[S]: where the events of a step stand among the sorted ones; u32[M + 1]: features of an event's candidates (strata) */
  sorted: usize;
  /** u32[S][3]: features of the user, the item and the negative of each */
  pairs: usize;
  drawn: usize;
  /** u32[max(toRank, S)]: in strata the tries of each event (WARP); an event's best candidates so far, highest first (BPR) */
  best: usize;
  /** f32[4][8] and f32[D][4]: a tile, and four contexts side by side */
  tile: usize;
  packed: usize;
  /** f32[N]: sums over the batch of dLoss/dscore; inner products only */
  columns: usize;
  /** u32[n]: 1 + row of the feature among the batch's, else 0; u32[R]: the feature of a row, and how many events hold it */
  rowOf: usize;
  features: usize;
  occurrences: usize;
  numRows: u32;
  /** u32[numUsers]: the batch's events of each user; 0 unless they are averaged */
  eventsOf: usize;
  /** f32[n][16] each: of 16 dimensions, what a turn of propagation reads and writes; 0 without layers */
  panel: usize;
  panel2: usize;
  learningRate: f32;
}
