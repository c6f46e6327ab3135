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

/** Centres of a group, which share their noise rows. */
export const G: u32 = 32;
export const B: u32 = 8;
/** Centres of a batch. All scores of a batch are computed at its start. */
export const R: u32 = 256;
export const N: u32 = 16;
export const SL: u32 = 16;
/** Batches of a call at most. */
export const CALL: u32 = 16;

/** Bytes of one slice of a row: a cache line. */
export const LINE: usize = 64;
/** Bytes of one slice of four vectors that are packed side by side. */
export const PACK: usize = 256;
/** Bytes of the scores of four centres with four contexts. */
export const BLOCK: usize = 64;

/** All threads read it, none writes to it. */
export class Plan {
  barrier: usize;
  numThreads: u32;
  /** V */
  numRows: u32;
  dim: u32;
  /** J */
  numSlices: u32;
  /** w, in tokens on each side */
  window: u32;
  /** nb and M */
  numBlocks: u32;
  numColumns: u32;
  /** f32[J][V][16] each: vectors h and z; padding dimensions are 0 */
  centres: usize;
  contexts: usize;
  /** f32[J][V] each: AdaGrad's sums of squares; infinite for frozen rows, whose steps are then 0 */
  centreSquares: usize;
  contextSquares: usize;
  /** u32[n], u8[n], u8[n]: row of each token, and numbers of its contexts before and after it, at most w */
  tokens: usize;
  left: usize;
  right: usize;
  /**
   * f32[n], with padding of 4 nb floats before and after: square root of each event's weight. A pair of tokens, and its
   * noise, are weighted by the product of two roots. 0 when all are 1.
   */
  weights: usize;
  numTokens: u32;
  /** u32[V][2]: alias table of the noise: threshold and other row */
  alias: usize;
  /**
   * f32[4][4 nb]: weights of the positions around a row block as contexts of each centre, by the distance d:
   * (w - |d| + 1) / w; 0 at d = 0 and beyond w
   */
  distanceWeights: usize;
  /** f32[w + 1]: weight of a noise row by the number of contexts on one side: the sum of their weights, times K / N */
  noiseWeights: usize;
  /**
   * f32[J][B][G + Q][16]: copy of the batch's vectors at its start: a group's centres, then its contexts, noise last
   */
  vectors: usize;
  /**
   * u32[2][CALL]: addresses of the BatchRows of a call's batches; calls alternate between two sets, because a fast
   * thread lists the rows of the next call while a slow one reads those of the last
   */
  batches: usize;
  /**
   * f32[J][R / 4][nb + N / 4][4][4]: partial scores of row blocks with column blocks and noise; a thread adds up those
   * of its own slices (sums.ts)
   */
  partials: usize;
  /** f32[R / 4][nb + N / 4][4][4]: negated dLoss/dscore */
  gradients: usize;
  /** maximum number of a batch's pairs with contexts outside the windows (pairs.ts), a multiple of 4; 0: none */
  mostPairs: u32;
  /** u32[n]: list of each token's session */
  pairLists: usize;
  /** list l has rows listRows[listEnds[l] .. listEnds[l + 1]), u32[], with f32[] listWeights, below 0 for negatives */
  listEnds: usize;
  listRows: usize;
  listWeights: usize;
  /** negatives that a centre samples from its market; 0: there are no markets */
  numDrawn: u32;
  /**
   * u32[V]: market of each row, or 0xffffffff; market m has rows marketRows[marketEnds[m] .. marketEnds[m + 1]), u32[]
   */
  marketOf: usize;
  marketEnds: usize;
  marketRows: usize;
  /** f32[J][mostPairs]: partial scores of these pairs; f32[mostPairs]: their negated dLoss/dscore */
  pairPartials: usize;
  pairGradients: usize;
  /** maximum number of parts of a batch (composed.ts); 0: a centre's vector is its own row */
  mostParts: u32;
  /** 1 if attention is learned */
  attends: u32;
  /** u32[V + 1], u32[]: the parts of row v are rows partRows[partEnds[v] .. partEnds[v + 1]) */
  partEnds: usize;
  partRows: usize;
  /** u32[], f32[]: index of each part's attention logit, and its weight among the parts with the same logit */
  partKinds: usize;
  partWeights: usize;
  /** f32[J][1 + R][16]: composed vectors of the batch's centres, by slot; u32[1 + R]: the numbers 0, 1, 2, .. */
  composed: usize;
  slotNumbers: usize;
  /** f32[J][mostParts]: each slice's contribution to the derivative by a part's logit */
  attentionPartials: usize;
  /** f64[R / 4 + B]: losses since the last reset: of each row block, then of each group's pairs outside the windows */
  losses: usize;
}

/** Returns whether centres and contexts share one table. Contexts then use the slots, rows and sums of the centres. */
export function hasOneTable(plan: Plan): bool {
  return plan.contexts == plan.centres;
}

/** The distinct rows that a batch uses, numbered by slots. One thread lists them, all threads read them. */
export class BatchRows {
  /** u32[R], u32[B][Q]: slots of centres and contexts; 0 for a position outside the stream */
  centreSlots: usize;
  contextSlots: usize;
  numCentreSlots: u32;
  numContextSlots: u32;
  /** u32[1 + slots] each: row of each slot; slot 0 has row 0, and its gradients are discarded */
  centreRows: usize;
  contextRows: usize;
  /** u32[R]: end of each centre's pairs with contexts outside its window */
  pairEnds: usize;
  /** u32[mostPairs], f32[mostPairs]: slot of the context, and weight */
  pairSlots: usize;
  pairWeights: usize;
  /** u32[1 + R]: end of the parts of each centre, by its slot; u32[mostParts]: slot of each part */
  partEnds: usize;
  partSlots: usize;
  numPartSlots: u32;
  /** u32[1 + slots]: row of each slot of a part */
  partRows: usize;
}

export class Thread {
  /**
   * u32[V] each, for the batch that is being listed: slot of a row as a centre, as a context, and as a part; 0: none
   */
  centreSlotOf: usize;
  contextSlotOf: usize;
  partSlotOf: usize;
  /** f32[(G + Q) / 4][16][4]: vectors of a group, packed four side by side */
  packed: usize;
  /** f32[LEVELS][nb + N / 4][4][4]: partial scores of a row block, or of as many pairs, for each level of the tree */
  scores: usize;
  /** f32[4 nb]: weights of one centre's contexts, if events have weights */
  shares: usize;
  /** f32[1 + slots][16] each: sums of the gradients in one slice, by slot */
  centreSums: usize;
  contextSums: usize;
  /** f32 and f32[V]: logits, and AdaGrad's sum of each row's; every thread has a copy of the same numbers */
  attention: usize;
  attentionSquares: usize;
  /** f32[mostParts]: shares of the batch's parts */
  partShares: usize;
  /** f32[1 + slots][16]: sums of the parts' gradients in one slice, by slot */
  partSums: usize;
}

/** Returns Q. */
export function contextsOf(plan: Plan): u32 {
  return plan.numColumns + N;
}

/** Returns nb + N / 4. */
export function blocksOf(plan: Plan): u32 {
  return plan.numBlocks + (N >>> 2);
}

/** Returns the BatchRows of the i-th batch of a call. @param set 0 or 1, alternating from call to call */
export function batchRows(plan: Plan, set: u32, i: u32): BatchRows {
  return changetype<BatchRows>(<usize>load<u32>(plan.batches + ((<usize>(set * CALL + i)) << 2)));
}
