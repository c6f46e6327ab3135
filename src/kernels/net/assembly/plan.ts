// What the network's kernel is told, as structs in the shared memory; ../../net.ts writes them field by field, in this order.
// All fields are four bytes, pointers are byte offsets, 64-byte aligned.
//
//   U   units of a layer, padded by zeros to a multiple of 8; U_0 those of x_0
//   R   rows of a batch, padded; the pitch of what is kept of a whole batch
//   W   numbers of an embedding, W' the same padded to a multiple of 4
//
//   panel   f32[U][8]: eight rows side by side for each unit, so that a layer's outputs are what the next one's tiles read

/** Rows that go through all layers together, two panels. */
export const BLOCK: u32 = 16;
export const PANELS: u32 = 2;
/** What embeddings and the wide part are cut in, by the lowest bits of a feature. */
export const PARTS: u32 = 16;
export const NONE: u32 = 0xffffffff;

export const LINEAR: u32 = 0;
export const TANH: u32 = 1;
export const RELU: u32 = 2;

/** One dense layer. Places in a block are byte offsets from a thread's scratch, of f32[PANELS][U][8]. */
export class Layer {
  /** U of its input and of its output */
  inputs: u32;
  outputs: u32;
  /** LINEAR, TANH or RELU */
  activation: u32;
  dropped: u32;
  /** f32[outputs / 4][inputs][4], and Adam's moments of the same shape */
  weights: usize;
  weightM: usize;
  weightS: usize;
  /** f32[inputs / 4][outputs][4]: the weights once more, as the way back reads them */
  turned: usize;
  /** f32[outputs] */
  biases: usize;
  biasM: usize;
  biasS: usize;
  /** places of the input and the output, and of the derivatives by them */
  x: u32;
  y: u32;
  dx: u32;
  dy: u32;
  /** place of what is added before the activation; NONE for a layer that is not residual */
  skip: u32;
  /** place of the derivatives that come to the input by another way: of the residual layer behind; NONE without */
  skipSlopes: u32;
  /** f32[inputs / 4][R][4]: the batch's inputs */
  packed: usize;
  /** f32[outputs / 8][R][8]: the batch's derivatives by z */
  slopes: usize;
}

/** The network and how it learns. */
export class NetPlan {
  barrier: usize;
  numThreads: u32;
  /** u32: blocks of rows taken; u32 on another line: parts of the parameters taken */
  counters: usize;
  numLayers: u32;
  layers: usize;
  numFeatures: u32;
  /** u32[F + 1] */
  offsets: usize;
  /** W, W' */
  width: u32;
  paddedWidth: u32;
  /** where the first field's block begins in x_0, and where the last one's ends */
  firstInput: u32;
  endInput: u32;
  numNumeric: u32;
  /** f32: from one row of x_0 to the next, U_0 and some */
  rowPitch: u32;
  /** R */
  batchPitch: u32;
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
  /** a unit is dropped where its draw is below */
  dropsBelow: u32;
  /** 1 / (1 - dropout) */
  keptScale: f32;
  seed: u32;
  learningRate: f32;
  l2: f32;
  /** 0: frozen */
  embeddingLearningRate: f32;
  wideLearningRate: f32;
  wideL1: f32;
  wideL2: f32;
  /** f32[R][rowPitch]: derivatives by x_0 */
  inputSlopes: usize;
  /** f32[R]: derivatives by the score */
  scoreSlopes: usize;
  /** f64[R / BLOCK]: sums of losses */
  losses: usize;
  /** u32[pairs of a batch]: where in inputSlopes a pair's block begins */
  places: usize;
  /** u32[pairs of a batch]: the pair's row in the batch */
  pairRows: usize;
  /** u32[pairs of a batch]: pairs by block of rows, then by part, in their order; see parts.ts */
  sorted: usize;
  /** u32[R / BLOCK][PARTS + 1]: where in `sorted` the pairs of a block's parts begin */
  partStarts: usize;
}

/** Rows in the shared memory, as ../shape.ts describes them; a pointer is 0 for an array that is absent. */
export class NetRows {
  width: u32;
  indptr: usize;
  ids: usize;
  values: usize;
  labels: usize;
  weights: usize;
  numeric: usize;
  crossWidth: u32;
  crossIndptr: usize;
  crossIds: usize;
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
}

export function layerAt(plan: NetPlan, l: u32): Layer {
  return changetype<Layer>(plan.layers + <usize>l * offsetof<Layer>());
}

/** Address of row r's first pair in arrays of four bytes a pair, less that of the array. */
export function firstPair(indptr: usize, width: u32, r: u32): u32 {
  return indptr ? load<u32>(indptr + ((<usize>r) << 2)) : r * width;
}
