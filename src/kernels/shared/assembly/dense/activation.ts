// Computes the activations of a block's panels and their derivatives, with dropout.
//
//   y = m act(z)     dz = dy m act'(z)
//   m  0 where draw(row's key, unit) is below the threshold, else 1 / (1 - dropout)
//
// m is sampled again in the backward pass, because y = 0 does not distinguish a dropped unit from one whose tanh is 0.

import { draw, draw4 } from "../random";
import { BLOCK, DenseNetwork, Layer, LINEAR, PANELS, RELU, TANH } from "./layers";

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

/**
 * Writes the dropout keys of a block's rows.
 * @param keys u32[BLOCK]
 * @param first position of the first row in the epoch
 */
export function dropoutKeys(network: DenseNetwork, epoch: u32, layer: u32, first: u32, keys: usize): void {
  const key = draw(draw(network.seed, epoch), layer);
  for (let r: u32 = 0; r < BLOCK; r++) store<u32>(keys + ((<usize>r) << 2), draw(key, first + r));
}

/** Returns the factors by which dropout multiplies one unit in four rows: 0 or 1 / (1 - dropout). */
function multiplier4(network: DenseNetwork, keys: v128, unit: u32): v128 {
  const kept = i32x4.ge_u(draw4(keys, unit), i32x4.splat(network.dropsBelow));
  return v128.and(kept, f32x4.splat(network.keptScale));
}

/**
 * Replaces the sums of a layer by its activations in the panels of a block. @param keys dropout keys; 0: no unit is
 * dropped
 */
export function activate(network: DenseNetwork, layer: Layer, scratch: usize, keys: usize): void {
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

/**
 * Converts the derivatives of the loss by a layer's activations to those by its sums before the activation, in the
 * panels of a block.
 */
export function deactivate(network: DenseNetwork, layer: Layer, scratch: usize, keys: usize): void {
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
