// Forward and backward pass of a block of rows. Twin: ../../dense.reference.ts.
//
//   scratch   a thread's panels of all layers (layers.ts)
//   keys      u32[numLayers][BLOCK]: the rows' dropout keys, one buffer per thread

import { activate, deactivate, dropoutKeys } from "./activation";
import { BLOCK, DenseNetwork, layerAt, PANELS, Layer, NONE } from "./layers";
import { denormalize, normalize } from "./normal";
import { packInputs, packOutputs } from "./weights";
import { addPacked } from "../tile";
import { addTo } from "../vector";

function keysOf(keys: usize, l: u32): usize {
  return keys + ((<usize>(l * BLOCK)) << 2);
}

/**
 * Writes the random keys of dropout for the rows of a block.
 * @param first position of the block's first row in the epoch
 */
export function drawKeys(network: DenseNetwork, keys: usize, epoch: u32, first: u32): void {
  for (let l: u32 = 0; l < network.numLayers; l++) {
    if (layerAt(network, l).dropped) dropoutKeys(network, epoch, l, first, keysOf(keys, l));
  }
}

/**
 * Computes the forward pass: reads the input of the first layer, and writes the output of the last, in panels.
 * @param trains whether dropout zeroes units
 */
export function forward(network: DenseNetwork, scratch: usize, keys: usize, trains: bool): void {
  for (let l: u32 = 0; l < network.numLayers; l++) {
    const layer = layerAt(network, l);
    forwardDense(layer, scratch);
    if (layer.scale) normalize(layer, scratch);
    activate(network, layer, scratch, trains && layer.dropped ? keysOf(keys, l) : 0);
  }
}

/**
 * Computes the backward pass: reads the derivatives by the output of the last layer, and writes those by the input of
 * the first layer if needed. Stores each layer's input and derivatives for the step of the parameters.
 *
 * @param place   position of the block's first row in the batch
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

// Matrix products on the panels of a block, computed by the tiles of ../tile.ts, four units by eight rows. A tile is
// part of a panel, so no data are copied.
//
//   forward    z = W x + b [+ skip]        left: four outputs side by side for each input     right: the panel of x
//   backward   dx = W' dz [+ skip]         left: four inputs side by side for each output     right: the panel of dz

/** Writes a layer's sums, weights times inputs plus biases, to the panels of its output. */
function forwardDense(layer: Layer, scratch: usize): void {
  const inputs = <usize>layer.inputs;
  const bytes = (<usize>layer.outputs) << 5;
  for (let o: usize = 0; o < layer.outputs; o += 4) {
    const weights = layer.weights + ((o * inputs) << 2);
    for (let p: usize = 0; p < PANELS; p++) {
      const tile = scratch + layer.y + p * bytes + (o << 5);
      for (let q: usize = 0; q < 4; q++) {
        const bias = v128.load32_splat(layer.biases + ((o + q) << 2));
        v128.store(tile + (q << 5), bias);
        v128.store(tile + (q << 5), bias, 16);
      }
      if (layer.skip != NONE) addTile(tile, scratch + layer.skip + p * bytes + (o << 5));
      addPacked(weights, scratch + layer.x + ((p * inputs) << 5), layer.inputs, tile);
    }
  }
}

/** Writes the derivatives by a layer's input, given those by its sums before the activation. */
function backwardDense(layer: Layer, scratch: usize): void {
  const outputs = <usize>layer.outputs;
  const bytes = (<usize>layer.inputs) << 5;
  for (let i: usize = 0; i < layer.inputs; i += 4) {
    for (let p: usize = 0; p < PANELS; p++) {
      const at = p * bytes + (i << 5);
      const tile = scratch + layer.dx + at;
      if (layer.skipGradients == NONE) memory.fill(tile, 0, 128);
      else memory.copy(tile, scratch + layer.skipGradients + at, 128);
      const gradients = scratch + layer.dy + ((p * outputs) << 5);
      addPacked(layer.transposed + ((i * outputs) << 2), gradients, layer.outputs, tile);
    }
  }
}

function addTile(tile: usize, other: usize): void {
  for (let i: usize = 0; i < 128; i += 16) addTo(tile + i, v128.load(other + i));
}
