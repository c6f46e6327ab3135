// Forward and backward pass of a block of rows. Twin: ../../dense.reference.ts.
//
//   scratch   a thread's panels of all layers (layers.ts)
//   keys      u32[numLayers][BLOCK]: the rows' dropout keys, one buffer per thread

import { BLOCK, DenseNetwork, Layer, layerAt, LINEAR, NONE, PANELS, RELU, TANH } from "./layers";
import { packInputs, packOutputs } from "./weights";
import { draw, draw4 } from "../random";
import { addPacked } from "../tile";
import { addTo } from "../vector";

function keysOf(keys: usize, l: u32): usize {
  return keys + ((<usize>(l * BLOCK)) << 2);
}

/** Writes the keys of dropout for the rows of a block. @param first position of its first row in the epoch */
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

// Matrix products on the panels of a block, by the tiles of ../tile.ts, four units by eight rows. A tile is part of a
// panel, so no data are copied.
//
//   forward    z = W x + b [+ skip]        left: four outputs side by side for each input     right: the panel of x
//   backward   dx = W' dz [+ skip]         left: four inputs side by side for each output     right: the panel of dz

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

// Layer normalization, between z and the activation:
//
//   h = (z - mean) / sqrt(variance + 1e-5)     over the units of a row          n = scale h + shift
//   dz = (a - mean(a) - h mean(a h)) / sqrt(variance + 1e-5)                     a = scale dn
//
// A lane is a row, whose units are summed in their order: a row's result depends neither on the other rows nor on the
// threads. Padded units stay 0. Source: Ba, Kiros and Hinton 2016 (arXiv:1607.06450), eq. 4.

/** Added to the variance, as in PyTorch. */
const EPSILON: f32 = 1e-5;

/** Returns the address of 1 / standard deviation of four of a panel's eight rows. */
function inverseAt(layer: Layer, scratch: usize, p: usize, half: usize): usize {
  return scratch + layer.normal + ((<usize>(PANELS * layer.outputs) + p) << 5) + (half << 4);
}

/** Replaces the sums z by n; also stores h, and 1 / standard deviation. */
function normalize(layer: Layer, scratch: usize): void {
  const share = f32x4.splat(1 / <f32>layer.units);
  const end = (<usize>layer.units) << 5;
  for (let p: usize = 0; p < PANELS; p++) {
    for (let half: usize = 0; half < 2; half++) {
      const panel = p * ((<usize>layer.outputs) << 5) + (half << 4);
      const z = scratch + layer.y + panel;
      const h = scratch + layer.normal + panel;
      let sum = f32x4.splat(0);
      for (let u: usize = 0; u < end; u += 32) sum = f32x4.add(sum, v128.load(z + u));
      const mean = f32x4.mul(sum, share);
      let squares = f32x4.splat(0);
      for (let u: usize = 0; u < end; u += 32) {
        const apart = f32x4.sub(v128.load(z + u), mean);
        squares = f32x4.add(squares, f32x4.mul(apart, apart));
      }
      const variance = f32x4.add(f32x4.mul(squares, share), f32x4.splat(EPSILON));
      const inverse = f32x4.div(f32x4.splat(1), f32x4.sqrt(variance));
      v128.store(inverseAt(layer, scratch, p, half), inverse);
      for (let u: usize = 0; u < end; u += 32) {
        const normal = f32x4.mul(f32x4.sub(v128.load(z + u), mean), inverse);
        const scale = v128.load32_splat(layer.scale + (u >>> 3));
        v128.store(h + u, normal);
        v128.store(z + u, f32x4.add(f32x4.mul(scale, normal), v128.load32_splat(layer.shift + (u >>> 3))));
      }
    }
  }
}

/** Converts dn to dz; also stores the derivatives by scale and shift. */
function denormalize(layer: Layer, scratch: usize, batchPitch: u32, place: u32): void {
  const share = f32x4.splat(1 / <f32>layer.units);
  const end = (<usize>layer.units) << 5;
  for (let p: usize = 0; p < PANELS; p++) {
    const panel = p * ((<usize>layer.outputs) << 5);
    const dn = scratch + layer.dy + panel;
    const h = scratch + layer.normal + panel;
    packOutputs(layer.shiftGradients, layer.outputs, dn, batchPitch, place + <u32>(p << 3));
    for (let half: usize = 0; half < 2; half++) {
      let sum = f32x4.splat(0);
      let along = f32x4.splat(0);
      for (let u = half << 4; u < end; u += 32) {
        const a = f32x4.mul(v128.load32_splat(layer.scale + ((u >>> 5) << 2)), v128.load(dn + u));
        sum = f32x4.add(sum, a);
        along = f32x4.add(along, f32x4.mul(a, v128.load(h + u)));
      }
      const mean = f32x4.mul(sum, share);
      const tilt = f32x4.mul(along, share);
      const inverse = v128.load(inverseAt(layer, scratch, p, half));
      for (let u = half << 4; u < end; u += 32) {
        const d = v128.load(dn + u);
        const normal = v128.load(h + u);
        const a = f32x4.mul(v128.load32_splat(layer.scale + ((u >>> 5) << 2)), d);
        const rest = f32x4.sub(f32x4.sub(a, mean), f32x4.mul(normal, tilt));
        v128.store(dn + u, f32x4.mul(rest, inverse));
        v128.store(h + u, f32x4.mul(d, normal));
      }
    }
    packOutputs(layer.scaleGradients, layer.outputs, h, batchPitch, place + <u32>(p << 3));
  }
}

// Activation, with dropout:
//
//   y = m act(z)     dz = dy m act'(z)
//   m  0 where draw(row's key, unit) is below the threshold, else 1 / (1 - dropout)
//
// m is sampled again in the backward pass, because y = 0 does not distinguish a dropped unit from one whose tanh is 0.

/**
 * Returns tanh(x) with an error up to 1.6e-7; NaN stays NaN.
 *
 *   -|x| = n ln(2)/2 + h, |h| <= ln(2)/4     t = tanh(h) = h p(h^2)     e^(-2|x|) = 2^n e^(2h) = 2^n (1 + t) / (1 - t)
 *   tanh(-|x|) = (e^(-2|x|) - 1) / (e^(-2|x|) + 1)
 *
 * @returns f32[4]; p is the minimax polynomial of its degree
 */
function tanh4(x: v128): v128 {
  const sign = i32x4.splat(0x80000000);
  // below -20, the result is exactly -1
  const y = f32x4.pmax(v128.or(x, sign), f32x4.splat(-20));
  // adding 1.5 * 2^23 rounds to an integer, which the lowest bits of the sum contain
  const shifted = f32x4.add(f32x4.mul(y, f32x4.splat(2.88539008177792681)), f32x4.splat(12582912));
  const n = f32x4.sub(shifted, f32x4.splat(12582912));
  let h = f32x4.sub(y, f32x4.mul(n, f32x4.splat(0.3466796875)));
  h = f32x4.sub(h, f32x4.mul(n, f32x4.splat(-1.0609722e-4)));

  const square = f32x4.mul(h, h);
  let p = f32x4.splat(0.13053665);
  p = f32x4.add(f32x4.mul(p, square), f32x4.splat(-0.33329152));
  p = f32x4.add(f32x4.mul(p, square), f32x4.splat(0.99999984));
  const t = f32x4.mul(h, p);

  const one = f32x4.splat(1);
  const power = i32x4.add(i32x4.shl(shifted, 23), one);
  const a = f32x4.sub(one, t);
  const b = f32x4.add(power, f32x4.mul(power, t));
  return v128.bitselect(x, f32x4.div(f32x4.sub(a, b), f32x4.add(a, b)), sign);
}

function dropoutKeys(network: DenseNetwork, epoch: u32, layer: u32, first: u32, keys: usize): void {
  const key = draw(draw(network.seed, epoch), layer);
  for (let r: u32 = 0; r < BLOCK; r++) store<u32>(keys + ((<usize>r) << 2), draw(key, first + r));
}

/** Returns m of one unit in four rows. */
function multiplier4(network: DenseNetwork, keys: v128, unit: u32): v128 {
  const kept = i32x4.ge_u(draw4(keys, unit), i32x4.splat(network.dropsBelow));
  return v128.and(kept, f32x4.splat(network.keptScale));
}

/** Replaces the sums of a layer by its activations. @param keys dropout keys; 0: no unit is dropped */
function activate(network: DenseNetwork, layer: Layer, scratch: usize, keys: usize): void {
  const y = scratch + layer.y;
  const end = y + ((<usize>(PANELS * layer.outputs)) << 5);
  const zero = f32x4.splat(0);
  if (layer.activation == RELU) {
    for (let at = y; at < end; at += 16) v128.store(at, f32x4.max(v128.load(at), zero));
  } else if (layer.activation == TANH) {
    // an iteration computes two vectors, because the engine loads the constants of tanh once per iteration
    for (let at = y; at < end; at += 32) {
      const low = tanh4(v128.load(at));
      const high = tanh4(v128.load(at, 16));
      v128.store(at, low);
      v128.store(at, high, 16);
    }
  }
  if (keys == 0) return;
  for (let p: usize = 0; p < PANELS; p++) {
    for (let half: usize = 0; half < 2; half++) {
      const rowKeys = v128.load(keys + (p << 5) + (half << 4));
      let at = y + p * ((<usize>layer.outputs) << 5) + (half << 4);
      for (let u: u32 = 0; u < layer.outputs; u++, at += 32) {
        v128.store(at, f32x4.mul(v128.load(at), multiplier4(network, rowKeys, u)));
      }
    }
  }
}

/** Converts the derivatives by a layer's activations to those by its sums before the activation. */
function deactivate(network: DenseNetwork, layer: Layer, scratch: usize, keys: usize): void {
  if (layer.activation == LINEAR) return;
  const bytes = (<usize>(PANELS * layer.outputs)) << 5;
  const y = scratch + layer.y;
  const dy = scratch + layer.dy;
  if (keys) {
    deactivateDropped(network, layer, y, dy, keys);
  } else if (layer.activation == RELU) {
    const zero = f32x4.splat(0);
    for (let at: usize = 0; at < bytes; at += 16) {
      v128.store(dy + at, v128.and(v128.load(dy + at), f32x4.gt(v128.load(y + at), zero)));
    }
  } else {
    const one = f32x4.splat(1);
    for (let at: usize = 0; at < bytes; at += 16) {
      const a = v128.load(y + at);
      v128.store(dy + at, f32x4.mul(v128.load(dy + at), f32x4.sub(one, f32x4.mul(a, a))));
    }
  }
}

function deactivateDropped(network: DenseNetwork, layer: Layer, y: usize, dy: usize, keys: usize): void {
  const one = f32x4.splat(1);
  const zero = f32x4.splat(0);
  const back = f32x4.splat(1 / network.keptScale);
  const isRelu = layer.activation == RELU;
  for (let p: usize = 0; p < PANELS; p++) {
    for (let half: usize = 0; half < 2; half++) {
      const rowKeys = v128.load(keys + (p << 5) + (half << 4));
      let at = p * ((<usize>layer.outputs) << 5) + (half << 4);
      for (let u: u32 = 0; u < layer.outputs; u++, at += 32) {
        const d = f32x4.mul(v128.load(dy + at), multiplier4(network, rowKeys, u));
        const a = f32x4.mul(back, v128.load(y + at));
        if (isRelu) v128.store(dy + at, v128.and(d, f32x4.gt(a, zero)));
        else v128.store(dy + at, f32x4.mul(d, f32x4.sub(one, f32x4.mul(a, a))));
      }
    }
  }
}
