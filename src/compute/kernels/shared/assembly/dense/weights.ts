// Step of a dense layer's parameters, eight outputs at a time, after the passes of all blocks of the batch.
//
//   dW[o][i] = sum over rows of dz[o] x[i], in the rows' order     db[o] = sum over rows of dz[o]
//   Adam     ../steps.ts
//
//   scale and shift of a normalized layer are updated together with the biases
//
//   packed   f32[inputs / 4][R][4]     gradients   f32[outputs / 8][R][8]     g = (sum + penalty) of the batch's mean

import { adam4, firstCorrection, secondCorrection } from "../steps";
import { addPacked } from "../tile";
import { transpose4 } from "../vector";
import { DenseNetwork, Layer, layerAt } from "./layers";

/** Rows summed before the next tile: enough to amortize loading the tile, few enough for the second-level cache. */
const CHUNK: u32 = 1024;

/** Copies a panel of inputs to the batch's array. @param place position of the panel's first row in the batch */
export function packInputs(layer: Layer, panel: usize, batchPitch: u32, place: u32): void {
  const group = (<usize>batchPitch) << 4;
  let target = layer.packed + ((<usize>place) << 4);
  for (let i: u32 = 0; i < layer.inputs; i += 4, panel += 128, target += group) {
    transpose4(panel, 32, target, 16);
    transpose4(panel + 16, 32, target + 64, 16);
  }
}

/** Copies a panel of derivatives to the batch's array. @param batch f32[outputs / 8][R][8] */
export function packOutputs(batch: usize, outputs: u32, panel: usize, batchPitch: u32, place: u32): void {
  const group = (<usize>batchPitch) << 5;
  let target = batch + ((<usize>place) << 5);
  for (let o: u32 = 0; o < outputs; o += 8, panel += 256, target += group) {
    transpose4(panel, 32, target, 32);
    transpose4(panel + 16, 32, target + 128, 32);
    transpose4(panel + 128, 32, target + 16, 32);
    transpose4(panel + 144, 32, target + 144, 32);
  }
}

/** Returns the layer of a part (eight outputs, counted over all layers), or null if there is no such part. */
function layerOf(network: DenseNetwork, part: u32): Layer | null {
  for (let l: u32 = 0; l < network.numLayers; l++) {
    const layer = layerAt(network, l);
    if (part < layer.outputs >>> 3) return layer;
    part -= layer.outputs >>> 3;
  }
  return null;
}

/** Returns a part's index within its layer. */
function outputsOf(network: DenseNetwork, part: u32): u32 {
  for (let l: u32 = 0; l < network.numLayers; l++) {
    const groups = layerAt(network, l).outputs >>> 3;
    if (part < groups) break;
    part -= groups;
  }
  return part;
}

/**
 * Takes one step of the parameters of a part.
 *
 * @param tiles   f32[largest U of an input / 4][4][8], one buffer per thread
 * @param t       number of the step, from 1
 * @param kept    factor of the gradients without penalties; 1 unless gradients are clipped
 * @returns false when there is no such part
 */
export function stepOutputs(
  network: DenseNetwork,
  tiles: usize,
  part: u32,
  numRows: u32,
  t: u32,
  kept: f32,
): bool {
  const layer = layerOf(network, part);
  if (layer === null) return false;
  stepLayer(network, layer, tiles, outputsOf(network, part), numRows, t, kept);
  return true;
}

/** Returns the squared length of the batch's summed gradients of a part's parameters; -1 if there is no such part. */
export function squaresOfOutputs(network: DenseNetwork, tiles: usize, part: u32, numRows: u32): f64 {
  const layer = layerOf(network, part);
  if (layer === null) return -1;
  const j = outputsOf(network, part);
  sumOutputs(network, layer, tiles, j, numRows);
  let squares = sumOfSquares(tiles, (<usize>layer.inputs) << 3);
  const paddedRows = (numRows + 7) & ~7;
  for (let half: u32 = 0; half < 2; half++) {
    squares += squaresOf(sumRows(batchOf(network, layer.gradients, j, half), 32, paddedRows));
    if (layer.scale == 0) continue;
    squares += squaresOf(sumRows(batchOf(network, layer.scaleGradients, j, half), 32, paddedRows));
    squares += squaresOf(sumRows(batchOf(network, layer.shiftGradients, j, half), 32, paddedRows));
  }
  return squares;
}

function batchOf(network: DenseNetwork, batch: usize, j: u32, half: u32): usize {
  return batch + ((<usize>(j * network.batchPitch)) << 5) + ((<usize>half) << 4);
}

function squaresOf(x: v128): f64 {
  const squares = f32x4.mul(x, x);
  const low = <f64>f32x4.extract_lane(squares, 0) + <f64>f32x4.extract_lane(squares, 1);
  return low + (<f64>f32x4.extract_lane(squares, 2) + <f64>f32x4.extract_lane(squares, 3));
}

/** Returns the sum of squares of consecutive f32. @param length a multiple of 4 */
export function sumOfSquares(at: usize, length: usize): f64 {
  let sum: f64 = 0;
  const end = at + (length << 2);
  for (; at < end; at += 16) sum += squaresOf(v128.load(at));
  return sum;
}

/** Writes dW of outputs 8 j .. 8 j + 7, summed over the batch, to `tiles`. */
function sumOutputs(network: DenseNetwork, layer: Layer, tiles: usize, j: u32, numRows: u32): void {
  const inputs = layer.inputs;
  const paddedRows = (numRows + 7) & ~7;
  const gradients = batchOf(network, layer.gradients, j, 0);
  memory.fill(tiles, 0, (<usize>inputs) << 5);
  for (let from: u32 = 0; from < paddedRows; from += CHUNK) {
    const n = min(CHUNK, paddedRows - from);
    const right = gradients + ((<usize>from) << 5);
    let left = layer.packed + ((<usize>from) << 4);
    for (let i: u32 = 0; i < inputs; i += 4, left += (<usize>network.batchPitch) << 4) {
      addPacked(left, right, n, tiles + ((<usize>i) << 5));
    }
  }
}

function stepLayer(
  network: DenseNetwork,
  layer: Layer,
  tiles: usize,
  j: u32,
  numRows: u32,
  t: u32,
  kept: f32,
): void {
  sumOutputs(network, layer, tiles, j, numRows);
  const inputs = layer.inputs;
  const paddedRows = (numRows + 7) & ~7;
  const lr = network.learningRate;
  const c1 = firstCorrection(t);
  const c2 = secondCorrection(t);
  const mean = f32x4.splat(kept * (1 / <f32>numRows));
  const l2 = f32x4.splat(network.l2);
  for (let half: u32 = 0; half < 2; half++) {
    let at = (<usize>((2 * j + half) * inputs)) << 4;
    let sum = tiles + ((<usize>half) << 4);
    for (let i: u32 = 0; i < inputs; i++, at += 16, sum += 32) {
      const p = layer.weights + at;
      const g = f32x4.add(f32x4.mul(mean, v128.load(sum)), f32x4.mul(l2, v128.load(p)));
      adam4(p, layer.weightM + at, layer.weightS + at, g, lr, c1, c2);
    }
    transposeGroup(layer, 2 * j + half);
    const b = (<usize>(8 * j + 4 * half)) << 2;
    const g = f32x4.mul(mean, sumRows(batchOf(network, layer.gradients, j, half), 32, paddedRows));
    adam4(layer.biases + b, layer.biasM + b, layer.biasS + b, g, lr, c1, c2);
    if (layer.scale == 0) continue;
    const byScale = f32x4.mul(mean, sumRows(batchOf(network, layer.scaleGradients, j, half), 32, paddedRows));
    const byShift = f32x4.mul(mean, sumRows(batchOf(network, layer.shiftGradients, j, half), 32, paddedRows));
    adam4(layer.scale + b, layer.scaleM + b, layer.scaleS + b, byScale, lr, c1, c2);
    adam4(layer.shift + b, layer.shiftM + b, layer.shiftS + b, byShift, lr, c1, c2);
  }
}

function transposeGroup(layer: Layer, group: u32): void {
  const inputs = layer.inputs;
  let source = layer.weights + ((<usize>(group * inputs)) << 4);
  let target = layer.transposed + ((<usize>group) << 6);
  for (let i: u32 = 0; i < inputs; i += 4, source += 64, target += (<usize>layer.outputs) << 4) {
    transpose4(source, 16, target, 16);
  }
}

/** Returns the sums of the four numbers of each row, added in the order of the rows. */
function sumRows(at: usize, stride: usize, numRows: u32): v128 {
  let sum = f32x4.splat(0);
  for (let r: u32 = 0; r < numRows; r++, at += stride) sum = f32x4.add(sum, v128.load(at));
  return sum;
}
