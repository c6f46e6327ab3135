// A dense layer on the panels of a block, made of the tiles of ../tile.ts: four units by eight rows.
//
//   forward    z = W x + b [+ skip]        left: four outputs side by side for each input     right: the panel of x
//   backward   dx = W' dz [+ skip]         left: four inputs side by side for each output     right: the panel of dz
//
// A tile is part of a panel, so that nothing is copied.

import { addPacked } from "../tile";
import { addTo } from "../vector";
import { Layer, NONE, PANELS } from "./layers";

/** Writes z to the place of the layer's output. */
export function forwardDense(layer: Layer, scratch: usize): void {
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

/** Writes the derivatives by the input, given those by z. */
export function backwardDense(layer: Layer, scratch: usize): void {
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
