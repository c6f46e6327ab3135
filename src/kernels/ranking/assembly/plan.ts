// The ranking kernel's arguments, as structs in shared memory; ../binding.ts writes them.
// All fields are four bytes, pointers are byte offsets, 64-byte aligned; a pointer is 0 for an array that is absent.
//
//   n   features        d   dimensions        J   slices of 8 dimensions        D   8 J: the width of a row
//   E   events          I   items             M   candidates an event           N   negatives that a batch shares
//   B   events whose scores are computed together: 256                          R   features of a batch at most

import { BatchNegatives, NegativeSource } from "../../shared/assembly/negatives";
import { PairRows } from "../../shared/assembly/rows";

/** Number of events whose scores are computed together: a batch of pairs, or part of a batch with shared negatives. */
export const B: u32 = 256;
/** Dimensions per slice. */
export const K: u32 = 8;
/** Bytes of a slice of a row. */
export const SLICE: usize = 32;

/** Number of events whose scores are computed together in strata, whose rows are in the cache. */
export const S: u32 = 16;

/** Events of one kernel call. */
export const BLOCK: u32 = 4096;

/** Optimizers. Adam is for losses with shared negatives, SGD for pairs of single features (`Plan.single`). */
export const ADAGRAD: u32 = 0;
export const ADAM: u32 = 1;
export const SGD: u32 = 2;

export const BPR: u32 = 0;
export const WARP: u32 = 1;
export const SAMPLED_SOFTMAX: u32 = 2;
export const CCL: u32 = 3;

/** The model, the events and the learning options. All threads read it, none writes to it. */
export class Plan extends NegativeSource {
  barrier: usize;
  numThreads: u32;
  numFeatures: u32;
  dim: u32;
  /** J */
  numSlices: u32;
  /** VectorTable[numTables]; a single one in strata and for shared negatives, where threads read all slices */
  tables: usize;
  numTables: u32;
  /** f32[n][2 D + 2 J]: Adam's state m, s, and per slice 1 - b1^t and 1 - b2^t; `momentStride` bytes per feature */
  moments: usize;
  momentStride: u32;
  /** f32[n][2]: w and its accumulator; for Adam f32[n][8]: w, m, s, 1 - b1^t, 1 - b2^t; for SGD w alone. `weightStride` bytes per feature */
  weights: usize;
  weightStride: u32;
  method: u32;
  /** features of an event without those of its item */
  context: PairRows;
  /** the features of an item */
  templates: PairRows;
  /** 1 if each row of context and templates has one feature of value 1: user and item alone */
  single: u32;
  /** f32[E]; 0 when all are 1 */
  eventWeights: usize;
  /** u32[2^b / 32]: Bloom filter of the history; bit `membershipBit` of each (user, item) is set */
  memberships: usize;
  /** 32 - b */
  membershipShift: u32;
  loss: u32;
  /** 1: vectors of a score are divided by their lengths, and there are no weights */
  cosine: u32;
  /** 1: all events of a user in a batch together have the weight of one */
  averages: u32;
  /** number of events between two steps with shared negatives: a divisor of 4,096 */
  batchSize: u32;
  /** range of the rank of an event's negative among its candidates by score; 1 is the highest (BPR) */
  fromRank: u32;
  toRank: u32;
  /** learning rate for pairs; for shared negatives it is an argument of each block */
  learningRate: f32;
  l2Weight: f32;
  l2Vector: f32;
  /** margin of the hinge (WARP), or cosine above which a negative counts (CCL) */
  margin: f32;
  /** weight of the negatives relative to the positive (CCL, sampled softmax) */
  negativeWeight: f32;
  temperature: f32;
  /** f32[M + 1]: weight of an event whose first violating candidate is the k-th (WARP) */
  rankWeights: usize;
  /** u32[2][4096][M + 2]: context, item and candidates of each of a block's events; the two buffers alternate with the block's number */
  candidates: usize;
  /** f32[2][J + 1][B][M + 1]: partial scores; the two buffers alternate with the batch's number */
  partials: usize;
  /** 0 unless pairs are `single` */
  strata: Strata;
  contrast: Contrast;
  /** 0 without layers */
  graph: Graph;
  /** 1: training goes through the layers; 0: they are applied to the trained vectors */
  through: u32;
}

/** Adjacent slices from .. to - 1 of all vectors (../tables.ts). */
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
  /** u32[P]: offset of each round's item groups relative to its user groups */
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
  /** u32[I]: probability of an item as a negative, in units of 2^-31; u32[I]: sums over a group up to each item. 0 when uniform */
  chances: usize;
  sums: usize;
  /** u32[P][T], padded to cache lines: number of taken blocks in each round, of each thread's user groups */
  taken: usize;
  /** f64[P^2]: the losses of each block */
  losses: usize;
}

/** Users and items that the training events join, and the layers along which their vectors are propagated (layers.ts). */
export class Graph {
  numLayers: u32;
  /** u32[n + 1], u32[2 pairs]: neighbors of feature f are neighbors[ends[f]] .. neighbors[ends[f + 1] - 1] */
  ends: usize;
  neighbors: usize;
  /** f32[n]: 1 / sqrt(number of neighbors), or 0 */
  scales: usize;
  /** f32[n][D]: all propagated vectors, if they are requested */
  propagated: usize;
}

/** Data that the phases of a batch with shared negatives pass on. */
export class Contrast {
  /** f32[N][D]: the negatives, divided by their lengths when cosine */
  negatives: usize;
  /** f32[N / 8][D][8]: the same, eight negatives side by side */
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
  /** f32[R][D]: their propagated vectors; 0 without layers */
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

/** Memory of one thread. */
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
  /** f32[B]: score of the event's item minus its negative's, then dLoss of it */
  gradients: usize;
  /** u32[B]: negative of each event: the item; in strata its feature */
  negatives: usize;
  /** u32[P^2]: position of the thread's next event of each block */
  places: usize;
  /** u32[S]: positions of a step's events among the sorted ones; u32[M + 1]: features of an event's candidates (strata) */
  sorted: usize;
  /** u32[S][3]: features of the user, the item and the negative of each */
  pairs: usize;
  drawn: usize;
  /** u32[max(toRank, S)]: in strata, number of tries of each event (WARP); an event's best candidates so far, highest first (BPR) */
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
  /** u32[numUsers]: number of the batch's events of each user; 0 unless they are averaged */
  eventsOf: usize;
  /** f32[n][16] each: input and output of a turn of propagation, for 16 dimensions; 0 without layers */
  panel: usize;
  panel2: usize;
  learningRate: f32;
}
