// Arguments of the network's kernel, as structs in shared memory; ../binding.ts writes them field by field. All fields are
// four bytes, pointers are byte offsets, 64-byte aligned.
//
//   U_0   units of x_0, and other letters of the dense layers: ../../shared/assembly/dense/layers.ts
//   W     numbers of an embedding, W' the same padded to a multiple of 4

import { DenseNetwork } from "../../shared/assembly/dense/layers";
import { PairRows } from "../../shared/assembly/rows";

/** In place of a factor of gradients: nothing is stepped, and the length of the gradients is returned. */
export const MEASURE: f32 = -1;

/** Number of parts that embeddings and the wide part are cut into, by feature (parts.ts). */
export const PARTS: u32 = 16;

/** The network and how it learns; w0 with its dense layers. */
export class NetPlan extends DenseNetwork {
  barrier: usize;
  numThreads: u32;
  /** u32 on a line each: blocks of rows taken, parts of the parameters taken, parts measured */
  counters: usize;
  numFeatures: u32;
  /** u32[F + 1] */
  offsets: usize;
  /** W, W' */
  width: u32;
  paddedWidth: u32;
  /** where v begins in an embedding: behind w, where it has one */
  firstDim: u32;
  /** where the first field's block begins in x_0, and where the last one's ends */
  firstInput: u32;
  endInput: u32;
  numNumeric: u32;
  /** f32: from one row of x_0 to the next, U_0 and some */
  rowPitch: u32;
  /** f32[numFeatures][embeddingPitch]: the embedding, W', and its sums of squares, W' */
  embeddings: usize;
  embeddingPitch: u32;
  /** u32[numFeatures]: 0 but while a part is worked on */
  slots: usize;
  /** f32[numFeatures + numCrosses][4]: w, n, z, the batch's sum; 0 without a wide part */
  wide: usize;
  /** f32[3][4]: w0 and Adam's moments, the first of four each; 0 without */
  w0: usize;
  embeddingRelu: u32;
  squared: u32;
  /** whether the score of the factorization machine of x_0 is added (machine.ts) */
  machine: u32;
  /** 0: frozen */
  embeddingLearningRate: f32;
  /** penalty embeddingL2 / 2 |e|^2 once for each pair of a row, on the batch's sum */
  embeddingL2: f32;
  /** f32[numFeatures]: penalty of a pair, which is taken by a proximal step; 0 where there is none */
  keyPenalties: usize;
  /** the batch's mean gradient is scaled down to this length; 0: it is not */
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
  /** u32[pairs of a batch]: where in inputGradients a pair's block begins */
  places: usize;
  /** u32[pairs of a batch]: the pair's row in the batch */
  pairRows: usize;
  /** u32[pairs of a batch]: pairs by block of rows, then by part, in their order; see parts.ts */
  sorted: usize;
  /** u32[R / BLOCK][PARTS + 1]: where in `sorted` the pairs of a block's parts begin */
  partStarts: usize;
}

/** Rows in the shared memory, as ../shape.ts describes them. */
export class NetRows extends PairRows {
  labels: usize;
  weights: usize;
  numeric: usize;
  /** 0 without */
  crosses: PairRows;
}

/** What one thread writes to. */
export class NetThread {
  /** f64: sum of the losses since it was last cleared; on thread 0 only */
  loss: f64;
  /** what a block's layers need */
  scratch: usize;
  /** u32[numLayers][BLOCK]: keys of the rows' dropout */
  keys: usize;
  /** f32[8][rowPitch]: rows of x_0 */
  gathered: usize;
  /** f32[largest U / 4][4][8] */
  tiles: usize;
  /** f32[pairs of a batch][W']: sums of the gradients of a part's features */
  sums: usize;
  /** u32[pairs of a batch]: those features */
  held: usize;
  /** f32[pairs of a batch]: how many pairs each of them has */
  counts: usize;
}
