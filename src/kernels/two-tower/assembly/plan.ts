// The two-tower kernel's arguments, as structs in shared memory; ../binding.ts writes them.
// All fields are four bytes, pointers are byte offsets, 64-byte aligned; a pointer is 0 for an array that is absent.
//
//   n   rows of vectors: of items, of items in histories, of context and of side features
//   d   dimensions        J   slices of 8 dimensions        D   8 J: the width of a row
//   E   events            I   items                         N   negatives that a batch shares
//   C   candidates of a batch: the negatives that it draws, then the items of its events
//   S   slots of the user's input: one a history, one a context field; S' of the item's: one a side field
//   R   rows that a batch holds at most

import { DenseNetwork } from "../../shared/assembly/dense/layers";
import { BatchNegatives, NegativeSource } from "../../shared/assembly/negatives";
import { PairRows } from "../../shared/assembly/rows";

/** Events whose scores are computed together. */
export const PART: u32 = 256;
/** Events of one kernel call. */
export const EVENTS: u32 = 4096;
/** Bytes of a slice of a row. */
export const SLICE: usize = 32;
/** Bytes of what Adam keeps of a bias behind it: m, s, 1 - b1^t, 1 - b2^t, and padding. */
export const BIAS: usize = 32;

/** Items that are the history of each event: a range of tokens. */
export class History {
  /** u32: items, those of a user together */
  tokens: usize;
  /** u32[E]: event e has tokens begins[e] .. ends[e] - 1, the newest last */
  begins: usize;
  ends: usize;
}

/** Rows of features by field; a slot is the sum of a field's vectors. */
export class FieldRows extends PairRows {
  numFields: u32;
  /** u32[numFields + 1]: field f has rows rowEnds[f] .. rowEnds[f + 1) of the vectors */
  rowEnds: usize;
}

/** Input of users: events to learn from, or users to encode. */
export class Users {
  /** History[numHistories] */
  histories: usize;
  numHistories: u32;
  /** one row per event */
  context: FieldRows;
  /** 1: an event's own item is left out of its histories */
  others: u32;
}

/** The network, the events and the learning options. All threads read it, none writes to it. */
export class Plan extends NegativeSource {
  barrier: usize;
  numThreads: u32;
  dim: u32;
  /** J */
  numSlices: u32;
  /** f32[n][D]; dimensions beyond d are zero */
  vectors: usize;
  /** n */
  numRows: u32;
  /** f32[J][n][2][8]: Adam's m and s, a line for each slice of a row: no line that two threads write */
  moments: usize;
  /** f32[I][8]: a bias, m, s, 1 - b1^t, 1 - b2^t; 0 when cosine */
  biases: usize;
  /** row of item 0 in histories; 0 if histories and output share their rows */
  firstHistoryRow: u32;
  training: Users;
  /** f32[longest history]: weight of a token by the number of newer ones; 0 when all are equal */
  recency: usize;
  /** f32[longest history + 1]: cumulative sums of these weights */
  recencySums: usize;
  /** one row per item; 0 without side features */
  side: FieldRows;
  /** 0 without a tower: the user is the sum of its slots */
  userTower: DenseNetwork;
  /** 1: the sum of the slots is added to the tower's output */
  skip: u32;
  /** 0 without a tower: the item is its row */
  itemTower: DenseNetwork;
  /** f32[E]; 0 when all are 1 */
  eventWeights: usize;
  /** 1: users and items are divided by their lengths, and there are no biases */
  cosine: u32;
  batchSize: u32;
  l2: f32;
  negativeWeight: f32;
  temperature: f32;
  /** floats from one row of inputs to the next, of users and of items */
  userPitch: u32;
  itemPitch: u32;
  batch: Batch;
}

/** Data that the phases of a batch pass on. */
export class Batch {
  /** u32: number of parts of the dense layers that are taken */
  counter: usize;
  /** f32[C][D]: items, divided by their lengths when cosine */
  items: usize;
  /** f32[C / 8][D][8]: the same, eight items side by side */
  panels: usize;
  /** f32[C]: 1 / length, or 1; biases, 0 when cosine */
  itemScales: usize;
  offsets: usize;
  /**
   * f32[2][C][D]: dLoss/ditem; f32[2][C]: dLoss/dbias. Derivatives by negatives are summed separately for the first and the second half of
   * each part's events, so that each of two threads reads only scores that it wrote
   */
  itemGradients: usize;
  offsetGradients: usize;
  /** C */
  numRoom: u32;
  /** f32[C][itemPitch]: derivatives by the inputs of the item tower */
  sideGradients: usize;
  /** f32[PART][D], f32[PART]: users, divided by their lengths when cosine, and 1 / length */
  users: usize;
  userScales: usize;
  /** f32[batch][D]: dLoss/duser before that division; f32[batch][userPitch]: derivatives by the inputs of the user tower */
  userGradients: usize;
  inputGradients: usize;
  /** f32[PART / 4][N][4]: scores, then dLoss/dscore */
  scores: usize;
  /** f32[PART / 4][N]: sums over four events of dLoss/dscore; 0 when cosine */
  columns: usize;
  /** f32[PART]: dLoss/dscore of the event's own item; losses */
  ownGradients: usize;
  losses: usize;
  /** f32[R D]: dLoss/drow, each thread's slices of all rows together; f32[R]: dLoss/dbias */
  rowGradients: usize;
  biasGradients: usize;
  /** R */
  mostRows: u32;
}

/** Memory of one thread. */
export class Thread extends BatchNegatives {
  /** f64: sum of the losses since it was last cleared; on the last thread only */
  loss: f64;
  /** number of batches so far, which is the number of the step */
  steps: u32;
  /** u32[EVENTS]: events in the order of visit */
  order: usize;
  /** f32[4][8], f32[D][4]: a tile, and four users side by side */
  tile: usize;
  packed: usize;
  /** f32[BLOCK][pitch]: inputs of a block of rows; f32[8]: a stand-in */
  inputs: usize;
  /** panels, dropout keys and tiles of the towers' layers */
  userScratch: usize;
  userKeys: usize;
  itemScratch: usize;
  tiles: usize;
  /** u32[n]: 1 + position of the row among the batch's, else 0; u32[R]: these rows, and their number */
  placeOf: usize;
  held: usize;
  numHeld: u32;
  /** f32[n][2]: of each row 1 - b1^t and 1 - b2^t, the same in every thread */
  corrections: usize;
  /** f32[R][own slices][8]: its part of rowGradients, and bytes from one row to the next */
  sums: usize;
  sumBytes: usize;
  learningRate: f32;
}
