// A stack of dense layers as structs in the shared memory, written by ../../dense.ts. All fields are four bytes;
// pointers are byte offsets, 64-byte aligned.
//
//   U   units of a layer, padded by zeros to a multiple of 8
//   R   rows of a batch, padded; the pitch of arrays with all rows of a batch
//
//   block   16 rows that go through all layers together
//   panel   f32[U][8]: eight rows side by side for each unit, so that the next layer's tiles read a layer's outputs
//           directly
//
// The forward and backward pass of a block (passes.ts) stores x and dz of its rows until the end of the batch. The step
// of the parameters (weights.ts) is computed from x and dz, eight outputs at a time. Any thread may process any block
// and any eight outputs.

/** Rows and panels of a block. */
export const BLOCK: u32 = 16;
export const PANELS: u32 = 2;
export const NONE: u32 = 0xffffffff;

export const LINEAR: u32 = 0;
export const TANH: u32 = 1;
export const RELU: u32 = 2;

/** One dense layer. Offsets of panels, f32[PANELS][U][8], are in bytes, relative to a thread's scratch. */
export class Layer {
  /** padded units */
  inputs: u32;
  outputs: u32;
  /** LINEAR, TANH or RELU */
  activation: u32;
  dropped: u32;
  /** f32[outputs / 4][inputs][4] each: weights, and Adam's moments of the weights */
  weights: usize;
  weightM: usize;
  weightS: usize;
  /** f32[inputs / 4][outputs][4]: copy of the weights for the backward pass */
  transposed: usize;
  /** f32[outputs] each: biases, and Adam's moments of the biases */
  biases: usize;
  biasM: usize;
  biasS: usize;
  /** offsets of the panels of the layer's input, its output, and the derivatives of the loss by each */
  x: u32;
  y: u32;
  dx: u32;
  dy: u32;
  /** for a residual layer, the panels of the previous layer's input, added before the activation; else NONE */
  skip: u32;
  /** if a later residual layer adds this layer's input, the derivatives by that layer's sums; else NONE */
  skipGradients: u32;
  /** units of the output, not counting padding */
  units: u32;
  /** f32[outputs]; 0 for a layer without normalization */
  scale: usize;
  scaleM: usize;
  scaleS: usize;
  shift: usize;
  shiftM: usize;
  shiftS: usize;
  /** panels of the sums after normalization, followed by f32[PANELS][8]: 1 / standard deviation of each row's sums */
  normal: u32;
  /** f32[inputs / 4][R][4]: inputs of the layer */
  packed: usize;
  /** f32[outputs / 8][R][8]: derivatives by the sums before the activation */
  gradients: usize;
  /** f32[outputs / 8][R][8] each: derivatives by scale and shift, by row */
  scaleGradients: usize;
  shiftGradients: usize;
}

/**
 * The layers and their learning options. A kernel with one network derives the struct of its plan from this one;
 * kernels with several networks have one such struct for each.
 */
export class DenseNetwork {
  numLayers: u32;
  layers: usize;
  /** R */
  batchPitch: u32;
  /** a unit is dropped if its draw is below it */
  dropsBelow: u32;
  /** factor of the units that dropout does not zero, 1 / (1 - dropout) */
  keptScale: f32;
  /** of dropout */
  seed: u32;
  learningRate: f32;
  /** factor of the penalty l2 / 2 |W|^2, which is added to the batch's mean loss */
  l2: f32;
}

export function layerAt(network: DenseNetwork, l: u32): Layer {
  return changetype<Layer>(network.layers + <usize>l * offsetof<Layer>());
}

export function lastLayer(network: DenseNetwork): Layer {
  return layerAt(network, network.numLayers - 1);
}
