// Arguments of the ranking kernel, as structs in shared memory, which ../binding.ts writes. All fields have four bytes.
// Pointers are byte offsets aligned to 64 bytes; the pointer to an absent array is 0.
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
/** Number of bytes of a slice of a vector. */
export const SLICE: usize = 32;

/**
 * Number of events whose scores are computed together when training in strata (strata.ts); their rows fit in the cache.
 */
export const S: u32 = 16;

/** Number of events that one call of the kernel processes. */
export const BLOCK: u32 = 4096;

/**
 * Codes of the optimizers. Adam can train only losses with shared negatives; SGD only losses over pairs, in which each
 * context and item has a single feature (`Plan.single`).
 */
export const ADAGRAD: u32 = 0;
export const ADAM: u32 = 1;
export const SGD: u32 = 2;

export const BPR: u32 = 0;
export const WARP: u32 = 1;
export const SAMPLED_SOFTMAX: u32 = 2;
export const CCL: u32 = 3;

/** The model, the events and the training options. All threads read this struct, and none writes to it. */
export class Plan extends NegativeSource {
  barrier: usize;
  numThreads: u32;
  numFeatures: u32;
  dim: u32;
  /** J: number of slices of 8 dimensions */
  numSlices: u32;
  /**
   * VectorTable[numTables]: the tables that contain the vectors' slices; training in strata and shared negatives use a
   * single table, because threads read all slices
   */
  tables: usize;
  numTables: u32;
  /**
   * f32[n][2 D + 2 J]: for each feature, Adam's moments m and s of v, then 1 - b1^t and 1 - b2^t of each slice;
   * `momentStride` bytes per feature
   */
  moments: usize;
  momentStride: u32;
  /**
   * f32[n][2]: for each feature, w and AdaGrad's accumulator; for Adam f32[n][8]: w, m, s, 1 - b1^t, 1 - b2^t; for SGD
   * only w. `weightStride` bytes per feature
   */
  weights: usize;
  weightStride: u32;
  method: u32;
  /** features of each event's context, such as the user: all features except those of the event's item */
  context: PairRows;
  /** features of each item, one row per item */
  templates: PairRows;
  /** 1 if each event's context, and each item, has one feature of value 1, such as the user and the item itself */
  single: u32;
  /** f32[E]: weights of the events; 0 when all are 1 */
  eventWeights: usize;
  /** u32[2^b / 32]: Bloom filter of the history; bit `membershipBit` of each (user, item) is set */
  memberships: usize;
  /** 32 - b: shift that turns a 32-bit hash into a bit number of the filter, which has 2^b bits */
  membershipShift: u32;
  loss: u32;
  /** 1: vectors are divided by their lengths before they are scored (cosine), and there are no weights */
  cosine: u32;
  /** 1: all events of a user in a batch together have the weight of one event */
  averages: u32;
  /** number of events between two steps if negatives are shared: a divisor of 4,096 */
  batchSize: u32;
  /**
   * range of ranks by score among the candidates of an event; the negative has a rank in this range, and 1 is the
   * highest (BPR)
   */
  fromRank: u32;
  toRank: u32;
  /**
   * learning rate of losses over pairs; for losses with shared negatives, the kernel receives it with each block of
   * events
   */
  learningRate: f32;
  l2Weight: f32;
  l2Vector: f32;
  /** margin of the hinge (WARP), or cosine above which a negative contributes to the loss (CCL) */
  margin: f32;
  /** weight of the negatives relative to the positive (CCL, sampled softmax) */
  negativeWeight: f32;
  temperature: f32;
  /** f32[M + 1]: weight of an event whose first candidate that violates the margin is the k-th, by k (WARP) */
  rankWeights: usize;
  /**
   * u32[2][4096][M + 2]: context, item and M candidates of each event of a block; two buffers, for even and odd block
   * numbers
   */
  candidates: usize;
  /**
   * f32[2][J + 1][B][M + 1]: partial scores by slice (J, and one of the weights), event (B) and item (the own one and M
   * candidates); two buffers, for even and odd batch numbers
   */
  partials: usize;
  /** data for training in strata; 0 unless each context and each item has a single feature */
  strata: Strata;
  contrast: Contrast;
  /** graph on which the layers propagate vectors; 0 without layers */
  graph: Graph;
  /** 1: the layers are part of the trained model; 0: they are applied to the vectors after the training */
  through: u32;
}

/** A table with slices from .. to - 1 of the dimensions of all vectors (../tables.ts). */
export class VectorTable {
  fromSlice: u32;
  toSlice: u32;
  /**
   * f32[n][8 s + s]: v and AdaGrad's accumulators of the table's s slices, `stride` bytes per feature (for Adam and SGD
   * only v); dimensions beyond d are zero. `vectors` is the address that slice 0 has or would have, and its accumulator
   * is `squares` bytes further.
   */
  vectors: usize;
  stride: u32;
  squares: u32;
}

/** Blocks of an epoch's events; blocks of the same round have no row in common (strata.ts). */
export class Strata {
  /** P: number of groups into which users, and likewise items, are divided; a power of two */
  groups: u32;
  /**
   * u32[P]: for each of the P rounds, the difference between the group of items and the group of users in its blocks
   */
  rounds: usize;
  /**
   * u32[T][P^2]: for each of T threads and each of P^2 blocks (pairs of a user group and an item group), the number of
   * the thread's events in the block
   */
  counts: usize;
  /** u32[P^2 + 1]: for each block, a pair of a user group and an item group, the end of its events in `events` */
  ends: usize;
  /** u16[E]: number of the block that contains each event */
  blocks: usize;
  /** u32[E][4], sorted by block: index of the event, feature of its context, number of its user, number of its item */
  events: usize;
  /** the items sorted by their P groups, u32[I], and the ends of the groups, u32[P + 1] */
  itemEnds: usize;
  groupItems: usize;
  /**
   * u32[I] each, for I items: probability of each item as a negative, in units of 2^-31, and the cumulative sums of
   * these within each group. 0 if all items are equally probable
   */
  chances: usize;
  sums: usize;
  /**
   * u32[P][T], padded to cache lines: for each of P rounds and T threads, the number of blocks that were taken from the
   * thread's user groups
   */
  taken: usize;
  /** f64[P^2]: sum of the losses of each block's events; users and items have P groups each */
  losses: usize;
}

/**
 * Graph of the users and items that training events connect; layers propagate their vectors along its edges
 * (layers.ts).
 */
export class Graph {
  numLayers: u32;
  /** u32[n + 1], u32[2 pairs]: neighbors of feature f are neighbors[ends[f]] .. neighbors[ends[f + 1] - 1] */
  ends: usize;
  neighbors: usize;
  /** f32[n]: 1 / sqrt(number of neighbors) of each feature; 0 without neighbors */
  scales: usize;
  /** f32[n][D]: propagated vectors of all n features, each padded to D dimensions, if they are requested */
  propagated: usize;
}

/** Buffers that the phases of a batch with shared negatives pass to each other. */
export class Contrast {
  /** f32[N][D]: vectors of the N shared negatives; for cosine, divided by their lengths */
  negatives: usize;
  /** f32[N / 8][D][8]: transposed copy of the negatives' vectors, eight negatives side by side */
  panels: usize;
  /** f32[N]: 1 / length of the vector of each of the N negatives for cosine, otherwise 1 */
  negativeScales: usize;
  /**
   * f32[N]: summand of the score of each of the N negatives: its weight plus the inner products of its own features; 0
   * for cosine
   */
  offsets: usize;
  /** f32[N][D]: derivatives of the loss by the vectors of the N negatives, before the division by their lengths */
  negativeGradients: usize;
  /**
   * derivatives of the loss for the R features of the batch: by their vectors, f32[R][D], and by their weights, f32[R]
   */
  rowGradients: usize;
  rowWeightGradients: usize;
  /** f32[R][D]: propagated vectors of the R features of the batch; 0 without layers */
  rows: usize;
  /** vectors of the contexts of the batch's B events, f32[B][D]; and 1 / length of each, f32[B] */
  contexts: usize;
  contextScales: usize;
  /** vectors of the items of the batch's B events, f32[B][D]; and 1 / length of each, f32[B] */
  positives: usize;
  positiveScales: usize;
  /** f32[B / 4][N][4]: scores of the N negatives for the B events, later replaced by dLoss/dscore */
  gradients: usize;
  /** f32[B / 4][N]: dLoss/dscore of each negative, summed over four events; used for inner products only */
  columns: usize;
  /**
   * f32[B][D]: derivatives of the loss by the vectors of the B events' contexts, before the division by their lengths
   */
  contextGradients: usize;
  /** f32[B] each: score of each event's own item, and the derivative of the loss by this score */
  positiveScores: usize;
  positiveGradients: usize;
  /** f32[B]: loss of each of the batch's B events */
  losses: usize;
}

/** Memory of one thread. */
export class Thread extends BatchNegatives {
  /**
   * for the table of vectors that the thread currently uses (VectorTable): range of slices that the thread updates; and
   * address, stride and offset of accumulators
   */
  fromSlice: u32;
  toSlice: u32;
  vectors: usize;
  stride: u32;
  squares: u32;
  /** sum of the losses since it was last cleared; only the last thread sums losses */
  loss: f64;
  batchNumber: u32;
  blockNumber: u32;
  /** u32[4096]: events of the block in the order in which they are trained */
  order: usize;
  /** f32[B][M + 1]: for each of B events, the score of its own item, then those of its M candidates */
  scores: usize;
  /**
   * f32[B]: for each of B events, the score of its item minus that of its negative, later replaced by the loss's
   * derivative by this difference
   */
  gradients: usize;
  /** u32[B]: negative of each of B events, as an item number, or for training in strata as a feature number */
  negatives: usize;
  /**
   * u32[P^2]: for each of P^2 blocks, the position of this thread's next event in it, while events are sorted by block
   */
  places: usize;
  /**
   * for training in strata: u32[S], positions in `Strata.events` of the S events of a step; and u32[M + 1], features of
   * the candidates of one event
   */
  sorted: usize;
  /** u32[S][3]: features of the user, the item and the negative of each of a step's S events */
  pairs: usize;
  drawn: usize;
  /**
   * u32[max(toRank, S)]: number of candidates that each of S events tried (WARP in strata), or the best candidates of
   * an event so far, highest score first (BPR)
   */
  best: usize;
  /** f32[4][8], a tile of a matrix product; and f32[D][4], transposed vectors of four events' contexts */
  tile: usize;
  packed: usize;
  /** f32[N]: dLoss/dscore of each of the N negatives, summed over the batch; used for inner products only */
  columns: usize;
  /**
   * u32[n]: for each feature, 1 + its row among the batch's features, or 0; and for each of these rows, u32[R] each:
   * its feature, and the number of events that contain it
   */
  rowOf: usize;
  features: usize;
  occurrences: usize;
  numRows: u32;
  /** u32[numUsers]: number of events that each user has in the batch; 0 unless events are averaged per user */
  eventsOf: usize;
  /**
   * f32[n][16] each: input and output of one step of propagation, for 16 dimensions of all n features; 0 without layers
   */
  panel: usize;
  panel2: usize;
  learningRate: f32;
}
