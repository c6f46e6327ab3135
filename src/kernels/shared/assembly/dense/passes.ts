// The forward and backward pass of a block of rows. Twin: ../../dense.reference.ts.
//
//   scratch   a thread's panels of all layers (layers.ts)
//   keys      u32[numLayers][BLOCK]: the rows' dropout keys, one buffer per thread

import { activate, deactivate, dropoutKeys } from "./activation";
import { BLOCK, DenseNetwork, layerAt, PANELS } from "./layers";
import { denormalize, normalize } from "./normal";
import { backwardDense, forwardDense } from "./products";
import { packInputs, packOutputs } from "./weights";

function keysOf(keys: usize, l: u32): usize {
  return keys + ((<usize>(l * BLOCK)) << 2);
}

/** Writes the dropout keys of a block's rows. @param first place of the block's first row in the epoch */
export function drawKeys(network: DenseNetwork, keys: usize, epoch: u32, first: u32): void {
  for (let l: u32 = 0; l < network.numLayers; l++) {
    if (layerAt(network, l).dropped) dropoutKeys(network, epoch, l, first, keysOf(keys, l));
  }
}

/** Reads the first layer's x and writes the last layer's y. @param trains whether units are dropped */
export function forward(network: DenseNetwork, scratch: usize, keys: usize, trains: bool): void {
  for (let l: u32 = 0; l < network.numLayers; l++) {
    const layer = layerAt(network, l);
    forwardDense(layer, scratch);
    if (layer.scale) normalize(layer, scratch);
    activate(network, layer, scratch, trains && layer.dropped ? keysOf(keys, l) : 0);
  }
}

/**
 * Reads the last layer's dy, and writes the first layer's dx if it is needed. Keeps x and dz for the parameters' step.
 *
 * @param place   of the block's first row in the batch
 * @param byInput whether dx of the first layer is needed
 */
export function backward(
  network: DenseNetwork,
  scratch: usize,
  keys: usize,
  place: u32,
  byInput: bool,
): void {
  for (let l = <i32>network.numLayers - 1; l >= 0; l--) {
    const layer = layerAt(network, l);
    deactivate(network, layer, scratch, layer.dropped ? keysOf(keys, l) : 0);
    if (layer.scale) denormalize(layer, scratch, network.batchPitch, place);
    for (let p: u32 = 0; p < PANELS; p++) {
      const x = scratch + layer.x + ((<usize>(p * layer.inputs)) << 5);
      const dz = scratch + layer.dy + ((<usize>(p * layer.outputs)) << 5);
      packInputs(layer, x, network.batchPitch, place + (p << 3));
      packOutputs(layer.gradients, layer.outputs, dz, network.batchPitch, place + (p << 3));
    }
    if (l > 0 || byInput) backwardDense(layer, scratch);
  }
}
