// Arguments of the network's kernel, as structs in shared memory; ../binding.ts writes them field by field. All fields are
// four bytes, pointers are byte offsets, 64-byte aligned.
//
//   U_0   units of x_0, and other letters of the dense layers: ../../shared/assembly/dense/layers.ts
//   W     numbers of an embedding, W' the same padded to a multiple of 4

import { DenseNetwork } from "../../shared/assembly/dense/layers";
import { PairRows } from "../../shared/assembly/rows";

/** Replaces the factor of gradients: no step is taken, and the squared length of the gradients is returned. */
export const MEASURE: f32 = -1;

/** Number of parts that embeddings and the wide part are cut into, by feature (parts.ts). */
export const PARTS: u32 = 16;

/** The network and its learning options; w0 is with its dense layers. */
export class NetPlan extends DenseNetwork {
  barrier: usize;
  numThreads: u32;
  /** u32, one per cache line: numbers of taken blocks, of taken parts, and of measured parts */
  counters: usize;
  numFeatures: u32;
  /** u32[F + 1] */
  offsets: usize;
  /** W, W' */
  width: u32;
  paddedWidth: u32;
  /** offset of v in an embedding: after w if it has one */
  firstDim: u32;
  /** start of the first field's block in x_0, and end of the last one's */
  firstInput: u32;
  endInput: u32;
  numNumeric: u32;
  /** floats from one row of x_0 to the next, at least U_0 */
  rowPitch: u32;
  /** f32[numFeatures][embeddingPitch]: the embedding, W', and its sums of squares, W' */
  embeddings: usize;
  embeddingPitch: u32;
  /** u32[numFeatures]: slots of the current part; else 0 */
  slots: usize;
  /** f32[numFeatures + numCrosses][4]: w, n, z, the batch's sum; 0 without a wide part */
  wide: usize;
  /** f32[3][4]: w0 and Adam's moments, in the first of four numbers each; 0 without w0 */
  w0: usize;
  embeddingRelu: u32;
  squared: u32;
  /** whether the score of the factorization machine of x_0 is added (machine.ts) */
  machine: u32;
  /** 0: frozen */
  embeddingLearningRate: f32;
  /** penalty embeddingL2 / 2 |e|^2 for each pair of a row, added to the batch's sum */
  embeddingL2: f32;
  /** f32[numFeatures]: penalty per pair, applied by a proximal step; 0 if there is none */
  keyPenalties: usize;
  /** greatest length of the batch's mean gradient; 0: no limit */
  clipNorm: f32;
  /** f64[numParts]: squared lengths of the parts' summed gradients */
  norms: usize;
  numParts: u32;
  wideLearningRate: f32;
  wideL1: f32;
  wideL2: f32;
  /** f32[R][rowPitch]: derivatives by x_0 */
  inputGradients: usize;
  /** f32[R]: derivatives by the score */
  scoreGradients: usize;
  /** f64[R / BLOCK]: sums of losses */
  losses: usize;
  /** u32[pairs of a batch]: offset of a pair's block in inputGradients */
  places: usize;
  /** u32[pairs of a batch]: the pair's row in the batch */
  pairRows: usize;
  /** u32[pairs of a batch]: pairs by block of rows, then by part, in order; see parts.ts */
  sorted: usize;
  /** u32[R / BLOCK][PARTS + 1]: start of each part's pairs of a block in `sorted` */
  partStarts: usize;
}

/** Rows in the shared memory, as ../shape.ts describes them. */
export class NetRows extends PairRows {
  labels: usize;
  weights: usize;
  numeric: usize;
  /** 0 if there are no crosses */
  crosses: PairRows;
}

/** Memory of one thread. */
export class NetThread {
  /** f64: sum of the losses since it was last cleared; on thread 0 only */
  loss: f64;
  /** panels of a block's layers */
  scratch: usize;
  /** u32[numLayers][BLOCK]: keys of the rows' dropout */
  keys: usize;
  /** f32[8][rowPitch]: rows of x_0 */
  gathered: usize;
  /** f32[largest U / 4][4][8] */
  tiles: usize;
  /** f32[pairs of a batch][W']: sums of the gradients of a part's features */
  sums: usize;
  /** u32[pairs of a batch]: features of the sums */
  held: usize;
  /** f32[pairs of a batch]: number of pairs of each of these features */
  counts: usize;
}
