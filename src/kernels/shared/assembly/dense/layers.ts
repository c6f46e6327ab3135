// Dense layers one after another, as structs in the shared memory; ../../dense.ts lays them out. All fields are four bytes,
// pointers are byte offsets, 64-byte aligned.
//
//   U   units of a layer, padded by zeros to a multiple of 8
//   R   rows of a batch, padded; the pitch of what is kept of a whole batch
//
//   block   16 rows that go through all layers together
//   panel   f32[U][8]: eight rows side by side for each unit, so that a layer's outputs are what the next one's tiles read
//
// Each block leaves x and dz of its rows, from which the steps of the parameters are made, eight outputs at a time (weights.ts).

/** Rows that go through all layers together, two panels. */
export const BLOCK: u32 = 16;
export const PANELS: u32 = 2;
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

/** The layers and how they learn. The plan of a kernel with one network extends it. */
export class DenseNetwork {
  numLayers: u32;
  layers: usize;
  /** R */
  batchPitch: u32;
  /** a unit is dropped where its draw is below */
  dropsBelow: u32;
  /** 1 / (1 - dropout) */
  keptScale: f32;
  /** names what dropout draws */
  seed: u32;
  /** Adam's, and the penalty l2 / 2 |W|^2 beside the batch's mean loss */
  learningRate: f32;
  l2: f32;
}

export function layerAt(network: DenseNetwork, l: u32): Layer {
  return changetype<Layer>(network.layers + <usize>l * offsetof<Layer>());
}

export function lastLayer(network: DenseNetwork): Layer {
  return layerAt(network, network.numLayers - 1);
}
