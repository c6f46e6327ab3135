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
import { BatchNegatives, NegativeSource } from "../../shared/assembly/negatives";
import { PairRows } from "../../shared/assembly/rows";

/** Number of events whose scores are computed together. */
export const PART: u32 = 256;
/** Maximum number of events of one kernel call. */
export const EVENTS: u32 = 4096;
/** Number of bytes of a slice of a vector row. */
export const SLICE: usize = 32;
/** Number of bytes of a bias with its Adam state: m, s, 1 - b1^t, 1 - b2^t, and padding. */
export const BIAS: usize = 32;

/** A history of each event: a range of tokens, which are items of the event's user. */
export class History {
  /** u32: items of all users; the items of a user are adjacent */
  tokens: usize;
  /** u32[E] each: event e has tokens begins[e] .. ends[e] - 1, the newest last */
  begins: usize;
  ends: usize;
}

/**
 * Rows of features, sorted by field. A tower's input has a slot for each field, the sum of the vectors of its features.
 */
export class FieldRows extends PairRows {
  numFields: u32;
  /** u32[numFields + 1]: field f has rows rowEnds[f] .. rowEnds[f + 1) of the vectors */
  rowEnds: usize;
}

/** Input of the user tower: for events to learn from, or for users to encode. */
export class Users {
  /** histories of the users, one per kind of behavior: History[numHistories] */
  histories: usize;
  numHistories: u32;
  /** context features, one row per event */
  context: FieldRows;
  /** 1 if an event's own item is left out of its histories */
  others: u32;
}

/** The network, the events and the learning options. All threads read it, none writes to it. */
export class Plan extends NegativeSource {
  barrier: usize;
  numThreads: u32;
  dim: u32;
  /** J: number of slices */
  numSlices: u32;
  /** f32[n][D]: the n vectors of items, of items in histories, and of features; padding dimensions are zero */
  vectors: usize;
  /** n: number of vectors */
  numRows: u32;
  /**
   * f32[J][n][2][8]: Adam's moments m and s for each of J slices of each of n vectors; a slice has its own cache line,
   * so that no two threads write to the same line
   */
  moments: usize;
  /**
   * f32[I][8]: for each of I items, its bias, Adam's moments m and s, 1 - b1^t and 1 - b2^t; 0 if scores are cosines
   */
  biases: usize;
  /**
   * index of the vector row of item 0 as a history item; 0 if items have the same rows in histories and as candidates
   */
  firstHistoryRow: u32;
  training: Users;
  /** f32[longest history]: weight of a token by the number of newer tokens; 0 when all weights are equal */
  recency: usize;
  /** f32[longest history + 1]: cumulative sums of the weights of tokens in `recency` */
  recencySums: usize;
  /** side features of each item; 0 if there are none */
  side: FieldRows;
  /** layers of the user tower; 0 without them: the user vector is the sum of the slots of the user's input */
  userTower: DenseNetwork;
  /** 1 if the sum of the slots of the user's input is added to the user tower's output */
  skip: u32;
  /** layers of the item tower; 0 without them: the item vector is the item's row */
  itemTower: DenseNetwork;
  /** f32[E]: weight of each event; 0 when all are 1 */
  eventWeights: usize;
  /** 1 if scores are cosines: users and items are normalized, and there are no biases */
  cosine: u32;
  batchSize: u32;
  l2: f32;
  negativeWeight: f32;
  temperature: f32;
  /** number of floats from one row of inputs to the next, of the user tower and of the item tower */
  userPitch: u32;
  itemPitch: u32;
  batch: Batch;
}

/** Data of a batch that one phase of the training computes and later phases read. */
export class Batch {
  /** u32: number of groups of eight outputs of the dense layers that threads have taken so far */
  counter: usize;
  /** f32[C][D]: vectors of the C candidates, normalized if scores are cosines */
  items: usize;
  /** f32[C / 8][D][8]: copy of the candidates' vectors, packed eight side by side */
  panels: usize;
  /**
   * f32[C] each: 1 / length of the vector of each of C candidates, 1 unless scores are cosines; and their biases, 0 if
   * scores are cosines
   */
  itemScales: usize;
  offsets: usize;
  /**
   * f32[2][C][D]: derivatives of the loss by the vectors of the C candidates; f32[2][C]: by their biases. Derivatives
   * by negatives are summed separately for the first and the second half of each PART events, so that each of two
   * threads reads only scores that it wrote
   */
  itemGradients: usize;
  offsetGradients: usize;
  /** C: maximum number of candidates of a batch */
  numRoom: u32;
  /** f32[C][itemPitch]: derivatives of the loss by the item tower's input, for each of the C candidates */
  sideGradients: usize;
  /**
   * f32[PART][D]: vectors of the users of PART events, normalized if scores are cosines; f32[PART]: 1 / length of each
   */
  users: usize;
  userScales: usize;
  /**
   * for each event of a batch, derivatives of the loss by the user's vector before its normalization, f32[batch][D],
   * and by the input of the user tower, f32[batch][userPitch]
   */
  userGradients: usize;
  inputGradients: usize;
  /** f32[PART / 4][N][4]: scores of the N negatives for PART events, later replaced by dLoss/dscore */
  scores: usize;
  /** f32[PART / 4][N]: dLoss/dscore of each of the N negatives, summed over four events; 0 if scores are cosines */
  columns: usize;
  /** f32[PART]: dLoss/dscore of each event's own item; f32[PART]: loss of each event */
  ownGradients: usize;
  losses: usize;
  /**
   * derivatives of the loss by the R vectors that the batch uses, f32[R D], where the slices of one thread are adjacent
   * for all vectors; and by the items' biases, f32[R]
   */
  rowGradients: usize;
  biasGradients: usize;
  /** R: maximum number of vectors that a batch uses */
  mostRows: u32;
}

/** Memory of one thread. */
export class Thread extends BatchNegatives {
  /** sum of the losses since the caller last reset it; only the last thread uses it */
  loss: f64;
  /** number of batches so far, which is the number of steps that Adam has taken */
  steps: u32;
  /** u32[EVENTS]: events of the block in the order of visit */
  order: usize;
  /** f32[4][8]: tile of a product; f32[D][4]: vectors of four users, packed side by side */
  tile: usize;
  packed: usize;
  /** f32[BLOCK][pitch]: the tower's inputs for a block of users or items */
  inputs: usize;
  /** buffers of both towers' layers: panels of activations, dropout keys, and tiles of matrix products */
  userScratch: usize;
  userKeys: usize;
  itemScratch: usize;
  tiles: usize;
  /**
   * places of the vectors that the batch uses. u32[n]: 1 + place of each vector, or 0; u32[R]: the vector at each
   * place; and the number of places
   */
  placeOf: usize;
  held: usize;
  numHeld: u32;
  /** f32[n][2]: for each vector, 1 - b1^t and 1 - b2^t after its t steps of Adam; equal in every thread */
  corrections: usize;
  /**
   * f32[R][slices of this thread][8]: this thread's slices of the derivatives by the vectors that the batch uses; and
   * the distance in bytes from one vector's to the next's
   */
  sums: usize;
  sumBytes: usize;
  learningRate: f32;
}
