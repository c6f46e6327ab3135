// The two-tower kernel's arguments, as structs in shared memory; ../binding.ts writes them.
// All fields are four bytes, pointers are byte offsets, 64-byte aligned; a pointer is 0 for an array that is absent.
//
//   n   rows of vectors: of items, of items in histories, of context and of side features
//   d   dimensions        J   slices of 8 dimensions        D   8 J: the width of a row
//   E   events            I   items                         N   negatives that a batch shares
//   C   candidates of a batch: the negatives that it draws, then the items of its events
//   S   slots of the user's input: one per history, one per context field; S' slots of the item's input: one per side
//       field
//   R   maximum number of rows that a batch uses

import { DenseNetwork } from "../../shared/assembly/dense/layers";
import { BatchNegatives, NegativeDraws } from "../../shared/assembly/negatives";
import { PairRows } from "../../shared/assembly/rows";

/** Events whose scores are computed together. */
export const PART: u32 = 256;
/** Events of one call at most. */
export const EVENTS: u32 = 4096;
/** Bytes of a slice of a row. */
export const SLICE: usize = 32;
/** Bytes of a bias with its Adam state: m, s, 1 - b1^t, 1 - b2^t, and padding. */
export const BIAS: usize = 32;

/** A range of tokens for each event, which are items of its user. */
export class History {
  /** u32: items of all users; the items of a user are adjacent */
  tokens: usize;
  /** u32[E] each: event e has tokens begins[e] .. ends[e] - 1, the newest last */
  begins: usize;
  ends: usize;
}

/** Rows of features, sorted by field; a field's slot is the sum of the vectors of its features. */
export class FieldPairs extends PairRows {
  numFields: u32;
  /** u32[numFields + 1]: field f has rows rowEnds[f] .. rowEnds[f + 1) of the vectors */
  rowEnds: usize;
}

/** Input of the user tower: for events to learn from, or for users to encode. */
export class Users {
  /** History[numHistories]: one per kind of behavior */
  histories: usize;
  numHistories: u32;
  /** one row per event */
  context: FieldPairs;
  /** 1 if an event's own item is left out of its histories */
  others: u32;
}

/** All threads read it, none writes to it. */
export class Plan extends NegativeDraws {
  barrier: usize;
  numThreads: u32;
  dim: u32;
  /** J */
  numSlices: u32;
  /** f32[n][D]: padding dimensions are zero */
  vectors: usize;
  /** n */
  numRows: u32;
  /** f32[J][n][2][8]: Adam's m and s; a slice has its own cache line, so that no two threads write to the same line */
  moments: usize;
  /** f32[I][8]: bias, Adam's m and s, 1 - b1^t and 1 - b2^t; 0 if scores are cosines */
  biases: usize;
  /** row of item 0 as a history item; 0 if items have the same rows in histories and as candidates */
  firstHistoryRow: u32;
  training: Users;
  /** f32[longest history]: weight of a token by the number of newer tokens; 0 when all are equal */
  recency: usize;
  /** f32[longest history + 1]: cumulative sums of `recency` */
  recencySums: usize;
  /** one row per item; 0 without side features */
  side: FieldPairs;
  /** 0 without layers: the user vector is the sum of the slots */
  userTower: DenseNetwork;
  /** 1 if the sum of the slots is added to the user tower's output */
  skip: u32;
  /** 0 without layers: the item vector is the item's row */
  itemTower: DenseNetwork;
  /** f32[E]; 0 when all are 1 */
  eventWeights: usize;
  /** 1 if scores are cosines: users and items are normalized, and there are no biases */
  cosine: u32;
  batchSize: u32;
  l2: f32;
  negativeWeight: f32;
  temperature: f32;
  /** floats from one row of inputs to the next, of the user tower and of the item tower */
  userPitch: u32;
  itemPitch: u32;
  batch: TowerBatch;
}

/** Data that one phase of a batch computes and later phases read. */
export class TowerBatch {
  /** u32: groups of eight outputs of the dense layers that threads have taken so far */
  counter: usize;
  /** f32[C][D]: vectors of the candidates, normalized if scores are cosines */
  items: usize;
  /** f32[C / 8][D][8]: the same, eight side by side */
  panels: usize;
  /** f32[C] each: 1 / length, 1 unless scores are cosines; and biases, 0 if they are */
  itemScales: usize;
  offsets: usize;
  /**
   * f32[2][C][D], f32[2][C]: derivatives by the candidates and by their biases. Those by negatives are summed
   * separately for the halves of each PART events, so that each of two threads reads only scores that it wrote
   */
  itemGradients: usize;
  offsetGradients: usize;
  /** C */
  numRoom: u32;
  /** f32[C][itemPitch]: derivatives by the item tower's input */
  sideGradients: usize;
  /** f32[PART][D]: users, normalized if scores are cosines; f32[PART]: 1 / length of each */
  users: usize;
  userScales: usize;
  /**
   * f32[batch][D], f32[batch][userPitch]: derivatives by the user before the normalization, and by the user tower's
   * input
   */
  userGradients: usize;
  inputGradients: usize;
  /** f32[PART / 4][N][4]: scores of the negatives, later replaced by dLoss/dscore */
  scores: usize;
  /** f32[PART / 4][N]: dLoss/dscore, summed over four events; 0 if scores are cosines */
  columns: usize;
  /** f32[PART] each: dLoss/dscore of an event's own item, and loss */
  ownGradients: usize;
  losses: usize;
  /**
   * f32[R D], f32[R]: derivatives by the batch's rows, where the slices of one thread are adjacent for all rows; and by
   * biases
   */
  rowGradients: usize;
  biasGradients: usize;
  /** R */
  mostRows: u32;
}

export class Thread extends BatchNegatives {
  /** since the caller last reset it; only the last thread uses it */
  loss: f64;
  /** batches so far, the steps of Adam */
  steps: u32;
  /** u32[EVENTS]: events of the block in the order of visit */
  order: usize;
  /** f32[4][8]: tile of a product; f32[D][4]: four users side by side */
  tile: usize;
  packed: usize;
  /** f32[BLOCK][pitch]: inputs of a block of users or items */
  inputs: usize;
  /** of both towers' layers: panels of activations, dropout keys, tiles of matrix products */
  userScratch: usize;
  userKeys: usize;
  itemScratch: usize;
  tiles: usize;
  /** u32[n]: 1 + place of each row that the batch uses, or 0; u32[R]: row at each place; and their number */
  placeOf: usize;
  held: usize;
  numHeld: u32;
  /** f32[n][2]: 1 - b1^t and 1 - b2^t of each row after its t steps; equal in every thread */
  corrections: usize;
  /**
   * f32[R][slices of this thread][8]: this thread's slices of the derivatives by the batch's rows; and the bytes of a
   * row
   */
  sums: usize;
  sumBytes: usize;
  learningRate: f32;
}
