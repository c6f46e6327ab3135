// A stack of dense layers as structs in the shared memory, written by ../../dense.ts. All fields are four bytes; pointers are
// byte offsets, 64-byte aligned.
//
//   U   units of a layer, padded by zeros to a multiple of 8
//   R   rows of a batch, padded; the pitch of what is kept of a whole batch
//
//   block   16 rows that go through all layers together
//   panel   f32[U][8]: eight rows side by side for each unit, so that a layer's outputs are what the next one's tiles read
//
// The forward and backward pass of a block (passes.ts) keeps x and dz of its rows for the whole batch. From these the parameters
// take their step, eight outputs at a time (weights.ts). Any thread may take any block and any eight outputs.

/** Rows that go through all layers together, two panels. */
export const BLOCK: u32 = 16;
export const PANELS: u32 = 2;
export const NONE: u32 = 0xffffffff;

export const LINEAR: u32 = 0;
export const TANH: u32 = 1;
export const RELU: u32 = 2;

/** One dense layer. Offsets in a block are in bytes from a thread's scratch, of f32[PANELS][U][8]. */
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
  /** f32[inputs / 4][outputs][4]: a copy of the weights for the backward pass */
  transposed: usize;
  /** f32[outputs] */
  biases: usize;
  biasM: usize;
  biasS: usize;
  /** places of the input, the output and their gradients */
  x: u32;
  y: u32;
  dx: u32;
  dy: u32;
  /** offset of the input that is added before the activation; NONE if the layer is not residual */
  skip: u32;
  /** offset of the gradient that a later residual layer adds to the input's; NONE without one */
  skipGradients: u32;
  /** units of the output without padding; scale and shift are f32[outputs], 0 for a layer that is not normalized */
  units: u32;
  scale: usize;
  scaleM: usize;
  scaleS: usize;
  shift: usize;
  shiftM: usize;
  shiftS: usize;
  /** place of the normalized z, followed by f32[PANELS][8]: 1 / deviation of each row */
  normal: u32;
  /** f32[inputs / 4][R][4]: the batch's inputs */
  packed: usize;
  /** f32[outputs / 8][R][8]: the batch's derivatives by z */
  gradients: usize;
  /** f32[outputs / 8][R][8]: the batch's derivatives by scale and shift */
  scaleGradients: usize;
  shiftGradients: usize;
}

/** The layers and their learning options. A kernel with one network extends this with its plan; others have several. */
export class DenseNetwork {
  numLayers: u32;
  layers: usize;
  /** R */
  batchPitch: u32;
  /** a unit is dropped if its draw is below this */
  dropsBelow: u32;
  /** 1 / (1 - dropout) */
  keptScale: f32;
  /** seed of dropout */
  seed: u32;
  /** of Adam; and of the penalty l2 / 2 |W|^2 on the weights, added to the batch's mean loss */
  learningRate: f32;
  l2: f32;
}

export function layerAt(network: DenseNetwork, l: u32): Layer {
  return changetype<Layer>(network.layers + <usize>l * offsetof<Layer>());
}

export function lastLayer(network: DenseNetwork): Layer {
  return layerAt(network, network.numLayers - 1);
}
