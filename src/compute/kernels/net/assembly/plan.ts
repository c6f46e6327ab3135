// Arguments of the network's kernel, as structs in shared memory; ../binding.ts writes them field by field. All fields
// are four bytes, pointers are byte offsets, 64-byte aligned.
//
//   U_0   units of x_0, and other letters of the dense layers: ../../shared/assembly/dense/layers.ts
//   W     numbers of an embedding, W' the same padded to a multiple of 4

import { DenseNetwork } from "../../shared/assembly/dense/layers";
import { PairRows } from "../../shared/assembly/rows";

/** Value of `kept`, the factor of gradients, to take no step and return the gradients' squared length. */
export const MEASURE: f32 = -1;

/** Number of parts of the features, and with them of embeddings and wide weights (parts.ts). */
export const PARTS: u32 = 16;

/** The network and its learning options; the base class has those of the dense layers and of w0. */
export class NetPlan extends DenseNetwork {
  barrier: usize;
  numThreads: u32;
  /** three u32, one per cache line: the next block of rows, the next part to update, the next part to measure */
  counters: usize;
  numFeatures: u32;
  /** u32[F + 1]: first feature of each of the F fields */
  offsets: usize;
  /** W, number of floats of an embedding; W', the same padded to a multiple of 4 */
  width: u32;
  paddedWidth: u32;
  /** index of v in an embedding: 1 if it starts with w, else 0 */
  firstDim: u32;
  /** indices in x_0: start of the first field's block, end of the last one's */
  firstInput: u32;
  endInput: u32;
  numNumeric: u32;
  /** floats from one row's x_0 to the next */
  rowPitch: u32;
  /** f32[numFeatures][embeddingPitch]: embeddings, each followed by its sums of squares */
  embeddings: usize;
  embeddingPitch: u32;
  /** u32[numFeatures]: slot of each feature of the current part; 0 for other features */
  slots: usize;
  /** f32[numFeatures + numCrosses][4]: weight, FTRL's n and z, the batch's sum of gradients; 0 without a wide part */
  wide: usize;
  /** f32[3][4]: w0 and Adam's two moments, each in the first of four floats; 0 without w0 */
  w0: usize;
  embeddingRelu: u32;
  squared: u32;
  /** 1 if the score of the factorization machine of the embeddings is added */
  machine: u32;
  /** 0 freezes the embeddings */
  embeddingLearningRate: f32;
  /** for each pair of a row, embeddingL2 / 2 |embedding|^2 is added to the batch's summed loss */
  embeddingL2: f32;
  /** f32[numFeatures]: L2 factors of pairs by feature, applied by a proximal step; 0 without */
  keyPenalties: usize;
  /** of the batch's mean gradient; 0: no limit */
  clipNorm: f32;
  /** f64[numParts]: squared lengths of the summed gradients */
  norms: usize;
  numParts: u32;
  wideLearningRate: f32;
  wideL1: f32;
  wideL2: f32;
  /** f32[R][rowPitch]: derivatives by x_0 of the batch's R rows */
  inputGradients: usize;
  /** f32[R]: dLoss/dscore */
  scoreGradients: usize;
  /** f64[R / BLOCK] */
  losses: usize;
  /** u32[pairs of a batch]: index in inputGradients of the block of the pair's field */
  places: usize;
  /** u32[pairs of a batch]: row in the batch */
  pairRows: usize;
  /** u32[pairs of a batch]: pairs by block of rows, then by part (parts.ts) */
  sorted: usize;
  /** u32[R / BLOCK][PARTS + 1]: start of each part in `sorted` */
  partStarts: usize;
}

/** Rows in the shared memory, as ../shape.ts describes them. */
export class NetRows extends PairRows {
  labels: usize;
  weights: usize;
  numeric: usize;
  /** all fields are 0 without crosses */
  crosses: PairRows;
}

export class NetThread {
  /** since the caller last reset it; only thread 0 uses it */
  loss: f64;
  /** activations of a block's rows, in panels of eight rows */
  scratch: usize;
  /** u32[numLayers][BLOCK]: random keys of the rows' dropout */
  keys: usize;
  /** f32[8][rowPitch]: x_0 of eight rows */
  gathered: usize;
  /** f32[largest U / 4][4][8]: tiles of a matrix product */
  tiles: usize;
  /** f32[pairs of a batch][W']: sums of the gradients of the current part's features, by slot */
  sums: usize;
  /** u32[pairs of a batch]: feature of each sum */
  held: usize;
  /** f32[pairs of a batch]: number of pairs of each sum */
  counts: usize;
}
