// The kernel's arguments, as structs in shared memory; ../binding.ts writes them.
// All fields are four bytes, pointers are byte offsets, 64-byte aligned.
//
//   V   rows of either matrix           w    window                       n    tokens of the stream
//   J   slices of 16 dimensions         G    centres a group: 32          N    noise rows a group: 16
//   B   groups a batch: 8               R    centres a batch: G B         K    negatives a positive
//
//   position p of the stream is a centre; column c of the group that starts at p0 is position p0 - w + c
//   a row block is 4 centres, a column block 4 columns; a row block meets column blocks rb .. rb + nb - 1
//   nb  ceil((4 + 2 w) / 4), made even       M   columns a group: 4 (G / 4 + nb - 1)       Q   contexts a group: M + N

/** Centres per group, which share their noise. */
export const G: u32 = 32;
/** Groups per batch. */
export const B: u32 = 8;
/** Centres per batch. Scores of a batch are computed at its start. */
export const R: u32 = 256;
/** Noise rows per group. */
export const N: u32 = 16;
/** Dimensions per slice. */
export const SL: u32 = 16;
/** Most batches per call. */
export const CALL: u32 = 16;

/** Bytes of a slice of a row: a cache line. */
export const LINE: usize = 64;
/** Bytes of four rows of a slice, and of four columns of it. */
export const PACK: usize = 256;
/** Bytes of a block of four centres by four contexts. */
export const BLOCK: usize = 64;

/** The model and the stream. All threads read it, none writes to it. */
export class Plan {
  barrier: usize;
  numThreads: u32;
  /** V */
  numRows: u32;
  dim: u32;
  /** J */
  numSlices: u32;
  /** w */
  window: u32;
  /** nb, M */
  numBlocks: u32;
  numColumns: u32;
  /** f32[J][V][16]: h of a row as a centre, z of it as a context; dimensions beyond dim are 0 */
  centres: usize;
  contexts: usize;
  /** f32[J][V]: AdaGrad's sums, one per row and slice; infinite for frozen rows, whose steps are then 0 */
  centreSquares: usize;
  contextSquares: usize;
  /** u32[n], u8[n], u8[n]: rows, and the number of positions that a centre looks back and ahead, at most w */
  tokens: usize;
  left: usize;
  right: usize;
  /**
   * f32[n], with numbers before and after it for 4 nb positions: square roots of the events' weights. The weight of a pair, and of its share
   * of the noise, is the product of its two. 0 when all are 1.
   */
  weights: usize;
  numTokens: u32;
  /** u32[V][2]: threshold and other row of the alias method */
  alias: usize;
  /** f32[4][4 nb]: weight of a column by its distance from a row of the block, (w - |d| + 1) / w; 0 at d = 0 and beyond w */
  distanceWeights: usize;
  /** f32[w + 1]: weight of a noise row by how far a centre looks to one side, K / N times the sum of the weights of its contexts there */
  noiseWeights: usize;
  /** f32[J][B][G + Q][16]: the batch's vectors as they were at its start, centres first, then columns, then noise */
  vectors: usize;
  /** u32[2][CALL]: BatchRows of the batches of a call; calls alternate, as a fast thread lists rows while a slow one reads the last */
  batches: usize;
  /** f32[J][R / 4][nb + N / 4][4][4]: the slices' parts of the scores, added up as far as one thread has them (sums.ts) */
  partials: usize;
  /** f32[R / 4][nb + N / 4][4][4]: minus dLoss/dscore */
  gradients: usize;
  /** most further pairs of a batch, a multiple of 4; 0: there are none, and the next fields are unused */
  mostPairs: u32;
  /** u32[n]: list of the session of each position */
  pairLists: usize;
  /** u32[lists + 1], u32[], f32[]: ends of the lists; their rows, and the weight of each, negative for a negative sample */
  listEnds: usize;
  listRows: usize;
  listWeights: usize;
  /** number of negatives that a centre samples from its market; 0: there are no markets */
  numDrawn: u32;
  /** u32[V], u32[markets + 1], u32[]: market of a row or 0xffffffff, ends of the markets, rows by market */
  marketOf: usize;
  marketEnds: usize;
  marketRows: usize;
  /** f32[J][mostPairs], f32[mostPairs]: partial scores and gradients of the pairs, as for the band */
  pairPartials: usize;
  pairGradients: usize;
  /** most parts of a batch's centres; 0: the vector of a centre is its row, and the next fields are unused */
  mostParts: u32;
  /** 1: the shares of kinds are learned; 0: they are equal */
  attends: u32;
  /** u32[V + 1], u32[]: ends of the rows' parts; rows of centres that a row's vector is composed of */
  partEnds: usize;
  partRows: usize;
  /** u32[], f32[]: index of a part in the attention, which the parts of a kind share; its weight within its kind */
  partKinds: usize;
  partWeights: usize;
  /** f32[J][1 + R][16]: the batch's composed centres by slot; u32[1 + R]: 0, 1, 2, .. */
  composed: usize;
  slotNumbers: usize;
  /** f32[J][mostParts]: parts of attention's gradients */
  attentionPartials: usize;
  /** f64[R / 4 + B]: sums of the losses since they were last cleared, by row block of a batch, then of pairs by group */
  losses: usize;
}

/** Returns whether contexts are the centres' rows. Slots, rows and sums of contexts are then those of centres, whose slots come first. */
export function hasOneTable(plan: Plan): bool {
  return plan.contexts == plan.centres;
}

/** The rows of a batch, each numbered once. One thread lists them, all threads read them. */
export class BatchRows {
  /** u32[R], u32[B][Q]: slots of the batch's centres and contexts; 0 for one outside the stream */
  centreSlots: usize;
  contextSlots: usize;
  numCentreSlots: u32;
  numContextSlots: u32;
  /** u32[1 + slots]: row of a slot; slot 0 has row 0, whose gradients are discarded */
  centreRows: usize;
  contextRows: usize;
  /** u32[R]: ends of the centres' pairs */
  pairEnds: usize;
  /** u32[mostPairs], f32[mostPairs]: slots of the pairs' contexts, weights */
  pairSlots: usize;
  pairWeights: usize;
  /** u32[1 + R]: ends of the centres' parts, by slot; u32[mostParts]: slots of the parts */
  partEnds: usize;
  partSlots: usize;
  numPartSlots: u32;
  /** u32[1 + slots]: row of a part's slot */
  partRows: usize;
}

/** Memory of one thread. */
export class Thread {
  /** u32[V]: slot of a row in the batch that is being listed, as a centre, as a context and as a part; 0: none */
  centreSlotOf: usize;
  contextSlotOf: usize;
  partSlotOf: usize;
  /** f32[(G + Q) / 4][16][4]: a group's vectors, four side by side */
  packed: usize;
  /** f32[LEVELS][nb + N / 4][4][4]: scores of a row block, or of as many pairs, by level of the tree of sums */
  scores: usize;
  /** f32[4 nb]: weights of a centre's contexts, if events have weights */
  shares: usize;
  /** f32[1 + slots][16]: sums of a slice's gradients */
  centreSums: usize;
  contextSums: usize;
  /** f32[kinds of all rows], f32[V]: attention before the softmax, and AdaGrad's sums, one per row; the same in every thread */
  attention: usize;
  attentionSquares: usize;
  /** f32[mostParts]: shares of the batch's parts */
  partShares: usize;
  /** f32[1 + slots][16]: sums of a slice's gradients of parts */
  partSums: usize;
}

/** Returns the number of contexts per group. */
export function contextsOf(plan: Plan): u32 {
  return plan.numColumns + N;
}

/** Returns the number of context blocks that a row block meets. */
export function blocksOf(plan: Plan): u32 {
  return plan.numBlocks + (N >>> 2);
}

/** Returns the rows of the i-th batch of a call. @param set 0 or 1, alternating with calls */
export function batchRows(plan: Plan, set: u32, i: u32): BatchRows {
  return changetype<BatchRows>(<usize>load<u32>(plan.batches + ((<usize>(set * CALL + i)) << 2)));
}
