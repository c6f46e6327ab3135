// A block of rows through all layers and back. Twin: ../../reference-dense.ts.
//
//   keys   u32[numLayers][BLOCK]: keys of the rows' dropout, a thread's own

import { activate, deactivate, dropoutKeys } from "./activation";
import { BLOCK, DenseNetwork, layerAt, PANELS } from "./layers";
import { backwardDense, forwardDense } from "./products";
import { packInputs, packSlopes } from "./weights";

function keysOf(keys: usize, l: u32): usize {
  return keys + ((<usize>(l * BLOCK)) << 2);
}

/** Writes the keys of a block's rows for all layers that drop units. @param first place of the first row in the epoch */
export function drawKeys(network: DenseNetwork, keys: usize, epoch: u32, first: u32): void {
  for (let l: u32 = 0; l < network.numLayers; l++) {
    if (layerAt(network, l).dropped) dropoutKeys(network, epoch, l, first, keysOf(keys, l));
  }
}

/** From the panels of the first layer's x to the last one's y. @param trains whether units are dropped */
export function forward(network: DenseNetwork, scratch: usize, keys: usize, trains: bool): void {
  for (let l: u32 = 0; l < network.numLayers; l++) {
    const layer = layerAt(network, l);
    forwardDense(layer, scratch);
    activate(network, layer, scratch, trains && layer.dropped ? keysOf(keys, l) : 0);
  }
}

/**
 * From the last layer's dy to the first one's dx; keeps what the steps of the parameters need.
 *
 * @param place   of the block's first row in the batch
 * @param byInput whether dx of the first layer is wanted
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
    for (let p: u32 = 0; p < PANELS; p++) {
      const x = scratch + layer.x + ((<usize>(p * layer.inputs)) << 5);
      const dz = scratch + layer.dy + ((<usize>(p * layer.outputs)) << 5);
      packInputs(layer, x, network.batchPitch, place + (p << 3));
      packSlopes(layer, dz, network.batchPitch, place + (p << 3));
    }
    if (l > 0 || byInput) backwardDense(layer, scratch);
  }
}
