// Arguments of the network's kernel, as structs in shared memory; ../binding.ts writes them field by field. All fields
// are four bytes, pointers are byte offsets, 64-byte aligned.
//
//   U_0   units of x_0, and other letters of the dense layers: ../../shared/assembly/dense/layers.ts
//   W     numbers of an embedding, W' the same padded to a multiple of 4

import { DenseNetwork } from "../../shared/assembly/dense/layers";
import { PairRows } from "../../shared/assembly/rows";

/**
 * Value of `kept`, the factor of gradients, for which no step is taken and the squared length of the gradients is
 * returned.
 */
export const MEASURE: f32 = -1;

/** Number of parts into which features, and with them embeddings and wide weights, are divided (parts.ts). */
export const PARTS: u32 = 16;

/** The network and its learning options; the base class has those of the dense layers and of w0. */
export class NetPlan extends DenseNetwork {
  barrier: usize;
  numThreads: u32;
  /**
   * three u32, one per cache line, from which threads take their next piece of work: the next block of rows, the next
   * part of the parameters to update, and the next part whose gradients are measured
   */
  counters: usize;
  numFeatures: u32;
  /** u32[F + 1]: first feature of each of the F fields */
  offsets: usize;
  /** W, number of floats of an embedding; W', the same padded to a multiple of 4 */
  width: u32;
  paddedWidth: u32;
  /** index of the first number of v in an embedding: 1 if the embedding starts with w, else 0 */
  firstDim: u32;
  /** indices in a row's input x_0: start of the first field's block, and end of the last field's block */
  firstInput: u32;
  endInput: u32;
  numNumeric: u32;
  /** number of floats from one row's input x_0 to the next */
  rowPitch: u32;
  /** f32[numFeatures][embeddingPitch]: each feature's embedding, followed by its sums of squares */
  embeddings: usize;
  embeddingPitch: u32;
  /**
   * u32[numFeatures]: for each feature of the part that is being processed, the slot of its sum of gradients; 0 for
   * other features
   */
  slots: usize;
  /**
   * f32[numFeatures + numCrosses][4]: for each feature and cross, weight, FTRL's n and z, and the batch's sum of
   * gradients; 0 without a wide part
   */
  wide: usize;
  /** f32[3][4]: the bias w0 and Adam's two moments of it, each in the first of four floats; 0 without w0 */
  w0: usize;
  embeddingRelu: u32;
  squared: u32;
  /** 1 if the score of the factorization machine of the embeddings is added (machine.ts) */
  machine: u32;
  /** learning rate of embeddings; 0 freezes them */
  embeddingLearningRate: f32;
  /**
   * factor of the penalty embeddingL2 / 2 |embedding|^2, which is added to the batch's summed loss for each (feature,
   * value) pair of a row
   */
  embeddingL2: f32;
  /**
   * f32[numFeatures]: L2 factor for the (feature, value) pairs of each feature, applied by a proximal step; 0 if
   * features have no factors of their own
   */
  keyPenalties: usize;
  /** maximum length of the batch's mean gradient; 0: no limit */
  clipNorm: f32;
  /** f64[numParts]: squared length of the summed gradients of each part of the parameters */
  norms: usize;
  numParts: u32;
  wideLearningRate: f32;
  wideL1: f32;
  wideL2: f32;
  /** f32[R][rowPitch]: for each of the R rows of a batch, the derivatives of the loss by its input x_0 */
  inputGradients: usize;
  /** f32[R]: derivative of the loss by the score of each of the batch's R rows */
  scoreGradients: usize;
  /** f64[R / BLOCK]: sum of losses of each block of rows */
  losses: usize;
  /** u32[pairs of a batch]: index in inputGradients at which the block of the (feature, value) pair's field begins */
  places: usize;
  /** u32[pairs of a batch]: index in the batch of the row of each (feature, value) pair */
  pairRows: usize;
  /**
   * u32[pairs of a batch]: indexes of the (feature, value) pairs, sorted by block of rows, then by part of the features
   * (parts.ts)
   */
  sorted: usize;
  /**
   * u32[R / BLOCK][PARTS + 1]: for each block of rows and each part of the features, the index in `sorted` at which the
   * (feature, value) pairs of both start
   */
  partStarts: usize;
}

/** Rows in the shared memory, as ../shape.ts describes them. */
export class NetRows extends PairRows {
  labels: usize;
  weights: usize;
  numeric: usize;
  /** feature crosses of each row; all fields are 0 if there are no crosses */
  crosses: PairRows;
}

/** Memory of one thread. */
export class NetThread {
  /** sum of the losses since the caller last reset it; only thread 0 uses it */
  loss: f64;
  /** activations of all layers for the rows of a block, in panels of eight rows */
  scratch: usize;
  /** u32[numLayers][BLOCK]: random keys of the rows' dropout */
  keys: usize;
  /** inputs x_0 of eight rows, f32[8][rowPitch] */
  gathered: usize;
  /** tiles of four rows by eight columns for a matrix product, f32[largest U / 4][4][8] */
  tiles: usize;
  /** f32[pairs of a batch][W']: sum of gradients of each feature of the part that is being processed, by slot */
  sums: usize;
  /** u32[pairs of a batch]: feature whose gradients each of the sums contains */
  held: usize;
  /** f32[pairs of a batch]: number of (feature, value) pairs whose gradients each of the sums contains */
  counts: usize;
}
