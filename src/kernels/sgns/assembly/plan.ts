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

/** Centres a group: they share its noise. */
export const G: u32 = 32;
/** Groups a batch. */
export const B: u32 = 8;
/** Centres a batch. Scores within a batch are those of its start. */
export const R: u32 = 256;
/** Noise rows a group. */
export const N: u32 = 16;
/** Dimensions a slice. */
export const SL: u32 = 16;
/** Batches a call, at most. */
export const CALL: u32 = 16;

/** Bytes of a slice of a row: a cache line. */
export const LINE: usize = 64;
/** Bytes of four rows of a slice, and of four columns of it. */
export const PACK: usize = 256;
/** Bytes of a block of four centres by four contexts. */
export const BLOCK: usize = 64;

/** The model and the stream. Read by every thread, written by none. */
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
  /** f32[J][V]: AdaGrad's sums, one a row and slice; infinite for a row that is to stay as it is, as its steps are 0 then */
  centreSquares: usize;
  contextSquares: usize;
  /** u32[n], u8[n], u8[n]: rows, and how far a centre looks back and ahead, at most w */
  tokens: usize;
  left: usize;
  right: usize;
  /**
   * f32[n], with numbers before and after it for 4 nb positions: square roots of what the events count. A pair, with its share of
   * the noise, counts the product of its two. 0 when each counts 1.
   */
  weights: usize;
  numTokens: u32;
  /** u32[V][2]: threshold and other row of the alias method */
  alias: usize;
  /** f32[4][4 nb]: weight of a column by its distance from a row of the block, (w - |d| + 1) / w; 0 at d = 0 and beyond w */
  distanceWeights: usize;
  /** f32[w + 1]: weight of a noise row by how far a centre looks to one side, K / N times the weights of its contexts there */
  noiseWeights: usize;
  /** f32[J][B][G + Q][16]: the batch's vectors as they were at its start, centres first, then columns, then noise */
  vectors: usize;
  /** u32[2][CALL]: BatchRows of the batches of a call; calls alternate, as a fast thread lists rows while a slow one reads the last */
  batches: usize;
  /** f32[J][R / 4][nb + N / 4][4][4]: the slices' parts of the scores, added up as far as one thread has them (sums.ts) */
  partials: usize;
  /** f32[R / 4][nb + N / 4][4][4]: minus dLoss/dscore */
  gradients: usize;
  /** pairs of a batch beside the band, at most, a multiple of 4; 0: there are none, and what follows is unused */
  mostPairs: u32;
  /** u32[n]: the list of a position's session */
  pairLists: usize;
  /** u32[lists + 1], u32[], f32[]: where the next list begins; its rows, and what each weighs, below 0 as a negative */
  listEnds: usize;
  listRows: usize;
  listWeights: usize;
  /** negatives that a centre draws from its market; 0: there are no markets */
  numDrawn: u32;
  /** u32[V], u32[markets + 1], u32[]: the market of a row or 0xffffffff, where the next market begins, rows by market */
  marketOf: usize;
  marketEnds: usize;
  marketRows: usize;
  /** f32[J][mostPairs], f32[mostPairs]: their partial scores and gradients, as those of the band */
  pairPartials: usize;
  pairGradients: usize;
  /** parts of a batch's centres, at most; 0: a centre's vector is its row, and what follows is unused */
  mostParts: u32;
  /** 1: the shares of kinds of parts are learned; 0: they are alike */
  attends: u32;
  /** u32[V + 1], u32[]: where the parts of the next row begin; rows of centres that a row's vector is composed of */
  partEnds: usize;
  partRows: usize;
  /** u32[], f32[]: a part's place in the attention, which the parts of a kind share, one after another; what it weighs in its kind */
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

/** Whether contexts are the centres' rows; then slots, rows and sums of contexts are those of centres, too, whose slots come first. */
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
  /** u32[1 + slots]: the row of a slot; slot 0 has row 0, whose gradients are thrown away */
  centreRows: usize;
  contextRows: usize;
  /** u32[R]: where the next centre's pairs begin */
  pairEnds: usize;
  /** u32[mostPairs], f32[mostPairs]: slots of the pairs' contexts, weights */
  pairSlots: usize;
  pairWeights: usize;
  /** u32[1 + R]: where the parts of the next centre begin, by slot; u32[mostParts]: slots of the parts */
  partEnds: usize;
  partSlots: usize;
  numPartSlots: u32;
  /** u32[1 + slots]: the row of a part's slot */
  partRows: usize;
}

/** One thread's own. */
export class Thread {
  /** u32[V]: the slot of a row in the batch whose rows are listed, as a centre, as a context and as a part; 0: none */
  centreSlotOf: usize;
  contextSlotOf: usize;
  partSlotOf: usize;
  /** f32[(G + Q) / 4][16][4]: a group's vectors, four side by side */
  packed: usize;
  /** f32[LEVELS][nb + N / 4][4][4]: a row block's scores, or as many of pairs, by level of their sum */
  scores: usize;
  /** f32[4 nb]: what a centre's contexts count, where events have weights */
  shares: usize;
  /** f32[1 + slots][16]: sums of a slice's gradients */
  centreSums: usize;
  contextSums: usize;
  /** f32[kinds of all rows], f32[V]: attention before the softmax, and AdaGrad's sums, one a row; the same in every thread */
  attention: usize;
  attentionSquares: usize;
  /** f32[mostParts]: shares of the batch's parts */
  partShares: usize;
  /** f32[1 + slots][16]: sums of a slice's gradients of parts */
  partSums: usize;
}

/** Contexts a group. */
export function contextsOf(plan: Plan): u32 {
  return plan.numColumns + N;
}

/** Blocks of contexts that a row block meets. */
export function blocksOf(plan: Plan): u32 {
  return plan.numBlocks + (N >>> 2);
}

/** The rows of the i-th batch of a call. @param set 0 or 1, alternating with calls */
export function batchRows(plan: Plan, set: u32, i: u32): BatchRows {
  return changetype<BatchRows>(<usize>load<u32>(plan.batches + ((<usize>(set * CALL + i)) << 2)));
}
