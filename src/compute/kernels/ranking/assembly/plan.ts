// Arguments of the ranking kernel, as structs in shared memory, which ../binding.ts writes. All fields have four bytes.
// Pointers are byte offsets aligned to 64 bytes; the pointer to an absent array is 0.
//
//   n   features        d   dimensions        J   slices of 8 dimensions        D   8 J: the width of a row
//   E   events          I   items             M   candidates an event           N   negatives that a batch shares
//   B   events whose scores are computed together: 256                          R   features of a batch at most

import { BatchNegatives, NegativeDraws } from "../../shared/assembly/negatives";
import { PairRows } from "../../shared/assembly/rows";

/** Events whose scores are computed together: a batch of pairs, or part of a batch with shared negatives. */
export const B: u32 = 256;
export const K: u32 = 8;
/** Bytes of a slice. */
export const SLICE: usize = 32;

/** Like B for training in strata (strata.ts); their rows fit in the cache. */
export const S: u32 = 16;

/** Events of one call of the kernel. */
export const BLOCK: u32 = 4096;

/** Adam can train only losses with shared negatives; SGD only losses over pairs with `Plan.single`. */
export const ADAGRAD: u32 = 0;
export const ADAM: u32 = 1;
export const SGD: u32 = 2;

export const BPR: u32 = 0;
export const WARP: u32 = 1;
export const SAMPLED_SOFTMAX: u32 = 2;
export const CCL: u32 = 3;

/** All threads read this struct, and none writes to it. */
export class Plan extends NegativeDraws {
  barrier: usize;
  numThreads: u32;
  numFeatures: u32;
  dim: u32;
  /** J */
  numSlices: u32;
  /** VectorTable[numTables]; one for training in strata and shared negatives, whose threads read all slices */
  tables: usize;
  numTables: u32;
  /**
   * f32[n][2 D + 2 J]: Adam's moments m and s of v, then 1 - b1^t and 1 - b2^t of each slice; `momentStride` bytes each
   */
  moments: usize;
  momentStride: u32;
  /**
   * f32[n][2]: w and AdaGrad's accumulator; for Adam f32[n][8]: w, m, s, 1 - b1^t, 1 - b2^t; for SGD only w.
   * `weightStride` bytes each
   */
  weights: usize;
  weightStride: u32;
  method: u32;
  /** features of each event's context: all but those of its item */
  context: PairRows;
  templates: PairRows;
  /** 1 if each context and each item has one feature of value 1, such as the user and the item itself */
  single: u32;
  /** f32[E]; 0 when all are 1 */
  eventWeights: usize;
  /** u32[2^b / 32]: Bloom filter of the history, with bit `membershipBit` of each (user, item) */
  memberships: usize;
  /** 32 - b: shift from a 32-bit hash to a bit number */
  membershipShift: u32;
  loss: u32;
  /** 1: vectors are normalized, and there are no weights */
  cosine: u32;
  /** 1: all events of a user in a batch together have the weight of one */
  averages: u32;
  /** events between two steps if negatives are shared: a divisor of 4,096 */
  batchSize: u32;
  /** the negative has a rank by score in this range, 1 the highest (BPR) */
  fromRank: u32;
  toRank: u32;
  /** of losses over pairs; with shared negatives, it is an argument of the call */
  learningRate: f32;
  l2Weight: f32;
  l2Vector: f32;
  /** of the hinge (WARP), or cosine above which a negative contributes to the loss (CCL) */
  margin: f32;
  /** of the negatives relative to the positive (CCL, sampled softmax) */
  negativeWeight: f32;
  temperature: f32;
  /** f32[M + 1]: weight by the number k of the first candidate that violates the margin (WARP) */
  rankWeights: usize;
  /** u32[2][4096][M + 2]: context, item and M candidates of a block's events; for even and odd block numbers */
  candidates: usize;
  /** f32[2][J + 1][B][M + 1]: partial scores by slice and of the weights; for even and odd batch numbers */
  partials: usize;
  /** 0 unless `single` */
  strata: Strata;
  contrast: Contrast;
  /** 0 without layers */
  graph: PropagationGraph;
  /** 1: layers are part of the trained model; 0: they are applied after the training */
  through: u32;
}

/** Slices from .. to - 1 of all vectors (../tables.ts). */
export class VectorTable {
  fromSlice: u32;
  toSlice: u32;
  /**
   * f32[n][8 s + s]: v and AdaGrad's accumulators of s slices, `stride` bytes each (for Adam and SGD only v);
   * dimensions beyond d are zero. `vectors` is the address that slice 0 has or would have; its accumulator is `squares`
   * bytes further.
   */
  vectors: usize;
  stride: u32;
  squares: u32;
}

/** Blocks of an epoch's events; blocks of the same round have no row in common (strata.ts). */
export class Strata {
  /** P: groups of users, and of items; a power of two */
  groups: u32;
  /** u32[P]: for each round, the group of items minus the group of users */
  rounds: usize;
  /** u32[T][P^2]: number of each thread's events in each block */
  counts: usize;
  /** u32[P^2 + 1]: ends of the blocks in `events` */
  ends: usize;
  /** u16[E]: block of each event */
  blocks: usize;
  /** u32[E][4], sorted by block: event, feature of its context, user, item */
  events: usize;
  /** u32[P + 1] and u32[I]: ends of the groups, and items by group */
  itemEnds: usize;
  groupItems: usize;
  /** u32[I] each: probability of each item in units of 2^-31, and sums within each group; 0 if all are equal */
  chances: usize;
  sums: usize;
  /** u32[P][T], padded to cache lines: number of blocks taken from each thread's user groups, by round */
  taken: usize;
  /** f64[P^2] */
  losses: usize;
}

/** The graph along whose edges layers propagate vectors (layers.ts). */
export class PropagationGraph {
  numLayers: u32;
  /** u32[n + 1], u32[2 pairs]: neighbors of feature f are neighbors[ends[f]] .. neighbors[ends[f + 1] - 1] */
  ends: usize;
  neighbors: usize;
  /** f32[n]: 1 / sqrt(number of neighbors); 0 without neighbors */
  scales: usize;
  /** f32[n][D]: propagated vectors, if requested */
  propagated: usize;
}

/** Buffers of a batch with shared negatives. */
export class Contrast {
  /** f32[N][D]; for cosine, normalized */
  negatives: usize;
  /** f32[N / 8][D][8]: the same, eight negatives side by side */
  panels: usize;
  /** f32[N]: 1 / length for cosine, otherwise 1 */
  negativeScales: usize;
  /** f32[N]: weight plus the products of the negative's own features; 0 for cosine */
  offsets: usize;
  /** f32[N][D]: derivatives by the negatives, before the division by their lengths */
  negativeGradients: usize;
  /** f32[R][D], f32[R]: derivatives by the batch's features: by vectors, and by weights */
  rowGradients: usize;
  rowWeightGradients: usize;
  /** f32[R][D]: propagated vectors; 0 without layers */
  rows: usize;
  /** f32[B][D], f32[B]: vectors of the events' contexts, and 1 / length of each */
  contexts: usize;
  contextScales: usize;
  /** f32[B][D], f32[B]: vectors of the events' items, and 1 / length of each */
  positives: usize;
  positiveScales: usize;
  /** f32[B / 4][N][4]: scores of the negatives, later replaced by dLoss/dscore */
  gradients: usize;
  /** f32[B / 4][N]: dLoss/dscore, summed over four events; used for inner products only */
  columns: usize;
  /** f32[B][D]: derivatives by the contexts, before the division by their lengths */
  contextGradients: usize;
  /** f32[B] each: score of each event's own item, and dLoss/dscore */
  positiveScores: usize;
  positiveGradients: usize;
  /** f32[B] */
  losses: usize;
}

export class Thread extends BatchNegatives {
  /** the current VectorTable, and the slices of it that the thread updates */
  fromSlice: u32;
  toSlice: u32;
  vectors: usize;
  stride: u32;
  squares: u32;
  /** since it was last cleared; only the last thread sums losses */
  loss: f64;
  batchNumber: u32;
  blockNumber: u32;
  /** u32[4096]: events of the block in the order of training */
  order: usize;
  /** f32[B][M + 1]: scores of each event's own item and its M candidates */
  scores: usize;
  /** f32[B]: x of each event, later replaced by dLoss/dx */
  gradients: usize;
  /** u32[B]: negative of each event: an item, or for training in strata a feature */
  negatives: usize;
  /** u32[P^2]: position of this thread's next event in each block while events are sorted */
  places: usize;
  /**
   * for training in strata: u32[S], addresses in `Strata.events` of a step's events; u32[S][3], their users', items'
   * and negatives' features; and u32[M + 1], features of the candidates of one event
   */
  sorted: usize;
  pairs: usize;
  drawn: usize;
  /**
   * u32[max(toRank, S)]: candidates tried by each of S events (WARP in strata), or the best of an event so far (BPR)
   */
  best: usize;
  /** f32[4][8]: a tile; f32[D][4]: vectors of four contexts side by side */
  tile: usize;
  packed: usize;
  /** f32[N]: dLoss/dscore, summed over the batch; used for inner products only */
  columns: usize;
  /** u32[n]: 1 + each feature's row in the batch, or 0; u32[R] each: feature of a row, and events that contain it */
  rowOf: usize;
  features: usize;
  occurrences: usize;
  numRows: u32;
  /** u32[numUsers]: events of each user in the batch; 0 unless they are averaged */
  eventsOf: usize;
  /** f32[n][16] each: input and output of one turn of propagation; 0 without layers */
  panel: usize;
  panel2: usize;
  learningRate: f32;
}
