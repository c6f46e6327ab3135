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

/** Number of centres per group; the centres of a group share their noise rows. */
export const G: u32 = 32;
/** Number of groups of centres per batch. */
export const B: u32 = 8;
/** Number of centres per batch. All scores of a batch are computed at its start. */
export const R: u32 = 256;
/** Number of noise rows per group of centres. */
export const N: u32 = 16;
/** Number of dimensions per slice of a vector. */
export const SL: u32 = 16;
/** Maximum number of batches per call. */
export const CALL: u32 = 16;

/** Bytes of one slice of a row: a cache line. */
export const LINE: usize = 64;
/** Bytes of one slice of four vectors that are packed side by side. */
export const PACK: usize = 256;
/** Bytes of the scores of four centres with four contexts. */
export const BLOCK: usize = 64;

/** The model and the stream. All threads read it, none writes to it. */
export class Plan {
  barrier: usize;
  numThreads: u32;
  /** V: number of rows of the matrix of centres, and of that of contexts */
  numRows: u32;
  dim: u32;
  /** J: number of slices */
  numSlices: u32;
  /** w: window, in tokens on each side */
  window: u32;
  /**
   * nb: number of blocks of four contexts that a block of four centres is scored with; M: number of positions in a
   * group and its windows, padded to whole blocks
   */
  numBlocks: u32;
  numColumns: u32;
  /**
   * f32[J][V][16]: for each of J slices of 16 dimensions and each of V rows, its vector h as a centre, and its vector z
   * as a context; padding dimensions are 0
   */
  centres: usize;
  contexts: usize;
  /**
   * f32[J][V]: AdaGrad's sums of squares for each of J slices and each of V rows; infinite for frozen rows, whose steps
   * are then 0
   */
  centreSquares: usize;
  contextSquares: usize;
  /**
   * u32[n], u8[n], u8[n]: for each of n tokens: its row, and the numbers of its contexts before and after it, at most
   * the window w
   */
  tokens: usize;
  left: usize;
  right: usize;
  /**
   * f32[n], with padding of 4 nb floats before and after: square root of the weight of each token's event. A pair of
   * tokens, and its noise, are weighted by the product of the two roots. 0 when all are 1.
   */
  weights: usize;
  numTokens: u32;
  /** u32[V][2]: alias table of the noise over V rows: threshold and alternative row */
  alias: usize;
  /**
   * f32[4][4 nb]: weights of the 4 nb positions around four adjacent centres as contexts of each centre, by the
   * distance d: (w - |d| + 1) / w; 0 at d = 0 and beyond the window w
   */
  distanceWeights: usize;
  /**
   * f32[w + 1]: weight of a noise row for one side of a centre, by the number of contexts on that side: the sum of
   * their weights, times K negatives per context, divided by N noise rows
   */
  noiseWeights: usize;
  /**
   * f32[J][B][G + Q][16]: copy of the batch's vectors at its start, by slice (J) and group (B): first the group's G
   * centres, then its Q contexts, of which noise comes last
   */
  vectors: usize;
  /**
   * u32[2][CALL]: addresses of the BatchRows of a call's batches; calls alternate between two sets, because a fast
   * thread lists the rows of the next call while a slow one reads those of the last
   */
  batches: usize;
  /**
   * f32[J][R / 4][nb + N / 4][4][4]: partial scores by slice (J), in blocks of four of the R centres and four contexts
   * or noise rows; a thread adds up those of its own slices (sums.ts)
   */
  partials: usize;
  /**
   * f32[R / 4][nb + N / 4][4][4]: negated dLoss/dscore, in blocks of four of the R centres and four contexts or noise
   * rows
   */
  gradients: usize;
  /**
   * maximum number of a batch's pairs with contexts outside the windows, a multiple of 4; 0: there are none, and the
   * fields below for such pairs are unused
   */
  mostPairs: u32;
  /** u32[n]: for each of n tokens, the index of its session's list of contexts in addition to those in the window */
  pairLists: usize;
  /**
   * lists of further contexts: list l has rows listRows[listEnds[l] .. listEnds[l + 1]), u32[], with weights
   * listWeights, f32[], below 0 for negatives
   */
  listEnds: usize;
  listRows: usize;
  listWeights: usize;
  /**
   * number of negatives that a centre samples from its market (a group of items, such as a city); 0: there are no
   * markets
   */
  numDrawn: u32;
  /**
   * u32[V]: market of each row, or 0xffffffff; u32[markets + 1], u32[]: market m has rows marketRows[marketEnds[m] ..
   * marketEnds[m + 1])
   */
  marketOf: usize;
  marketEnds: usize;
  marketRows: usize;
  /**
   * f32[J][mostPairs]: partial scores of the pairs with contexts outside the windows, for each of J slices;
   * f32[mostPairs]: their negated dLoss/dscore
   */
  pairPartials: usize;
  pairGradients: usize;
  /**
   * maximum number of parts (rows of which centres are composed) in a batch; 0: the vector of a centre is its own row,
   * and the next fields are unused
   */
  mostParts: u32;
  /**
   * 1 if attention learns the weights of the kinds of parts (the item itself, columns of side information) in a
   * composed vector, 0 if all kinds have equal weights
   */
  attends: u32;
  /**
   * u32[V + 1], u32[]: the vector of row v as a centre is composed of rows partRows[partEnds[v] .. partEnds[v + 1]) of
   * the matrix of centres
   */
  partEnds: usize;
  partRows: usize;
  /**
   * u32[], f32[]: for each row that is part of a composed centre, index of its attention logit, and its weight among
   * the parts with the same logit
   */
  partKinds: usize;
  partWeights: usize;
  /**
   * f32[J][1 + R][16]: composed vectors of the batch's at most R distinct centres, for each of J slices, indexed by
   * slot; u32[1 + R]: the numbers 0, 1, 2, ..
   */
  composed: usize;
  slotNumbers: usize;
  /**
   * f32[J][mostParts]: for each of J slices of dimensions and each part of the batch's composed centres, the slice's
   * contribution to the derivative of the loss by the part's attention logit
   */
  attentionPartials: usize;
  /**
   * f64[R / 4 + B]: sums of losses since the caller last reset them: one for every four of the R centres of a batch,
   * then one for each of its B groups, for the pairs with contexts outside the windows
   */
  losses: usize;
}

/**
 * Returns whether centres and contexts share one table. Contexts then use the slots, rows and sums of the centres,
 * whose slots are assigned first.
 */
export function hasOneTable(plan: Plan): bool {
  return plan.contexts == plan.centres;
}

/**
 * The distinct rows of the matrices of centres and contexts that a batch uses, numbered by slots. One thread lists
 * them, all threads read them.
 */
export class BatchRows {
  /**
   * u32[R]: slot of each of the batch's R centres; u32[B][Q]: slots of the Q contexts of each of its B groups; 0 for a
   * position outside the stream
   */
  centreSlots: usize;
  contextSlots: usize;
  numCentreSlots: u32;
  numContextSlots: u32;
  /**
   * u32[1 + slots] each: row of the matrix of centres, or of that of contexts, to which each slot belongs; slot 0 has
   * row 0, and its gradients are discarded
   */
  centreRows: usize;
  contextRows: usize;
  /** u32[R]: for each of the batch's R centres, the end of its list of pairs with contexts outside its window */
  pairEnds: usize;
  /**
   * for each pair with a context outside the window: slot of the context, u32[mostPairs], and weight of the pair,
   * f32[mostPairs]
   */
  pairSlots: usize;
  pairWeights: usize;
  /**
   * lists of the rows of which each distinct centre is composed: end of each list, by the centre's slot, u32[1 + R];
   * and slot of each listed row, u32[mostParts]
   */
  partEnds: usize;
  partSlots: usize;
  numPartSlots: u32;
  /** u32[1 + slots]: for each slot of a row of which centres are composed, the row of the matrix of centres */
  partRows: usize;
}

/** Memory of one thread. */
export class Thread {
  /**
   * u32[V] each, for the batch that is being listed: slot of a row as a centre, as a context, and as a part of composed
   * centres; 0: none
   */
  centreSlotOf: usize;
  contextSlotOf: usize;
  partSlotOf: usize;
  /** f32[(G + Q) / 4][16][4]: vectors of a group's G centres and Q contexts, packed four side by side */
  packed: usize;
  /**
   * f32[LEVELS][nb + N / 4][4][4]: partial scores of four centres, or of as many pairs with contexts outside the
   * windows, for each level of the tree of sums
   */
  scores: usize;
  /** f32[4 nb]: weights of the contexts of one centre, if events have weights */
  shares: usize;
  /** f32[1 + slots][16] each: for each slot, the sum of the gradients of its row in one slice of 16 dimensions */
  centreSums: usize;
  contextSums: usize;
  /**
   * f32: logits of the attention by which a centre's vector is composed of the vectors of its columns; then f32[V]:
   * AdaGrad's sum of squared gradients of each of V rows. Every thread has a copy of the same numbers
   */
  attention: usize;
  attentionSquares: usize;
  /** f32[mostParts]: for each row of which a centre of the batch is composed, its weight in the centre's vector */
  partShares: usize;
  /**
   * f32[1 + slots][16]: for each row of which the batch's centres are composed, by slot, the sum of its gradients in
   * one slice of 16 dimensions
   */
  partSums: usize;
}

/** Returns the number of contexts of a group of centres: the positions of its windows, and its noise rows. */
export function contextsOf(plan: Plan): u32 {
  return plan.numColumns + N;
}

/**
 * Returns the number of blocks of four contexts with which four centres are scored: those of their windows, and those
 * of noise rows.
 */
export function blocksOf(plan: Plan): u32 {
  return plan.numBlocks + (N >>> 2);
}

/** Returns the BatchRows struct of the i-th batch of a call. @param set 0 or 1, alternating from call to call */
export function batchRows(plan: Plan, set: u32, i: u32): BatchRows {
  return changetype<BatchRows>(<usize>load<u32>(plan.batches + ((<usize>(set * CALL + i)) << 2)));
}
