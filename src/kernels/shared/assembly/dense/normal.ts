// Layer normalization of a block's panels, between z and the activation, and its derivatives. Twin:
// ../../dense.reference.ts.
//
//   h = (z - mean) / sqrt(variance + 1e-5)     over the units of a row          n = scale h + shift
//   dz = (a - mean(a) - h mean(a h)) / sqrt(variance + 1e-5)                     a = scale dn
//
// A lane is a row, whose units are summed in their order: a row's result depends neither on the other rows nor on the
// threads. Padded units stay 0.
//
// Source: Ba, Kiros and Hinton 2016 (arXiv:1607.06450), eq. 4.

import { Layer, PANELS } from "./layers";
import { packOutputs } from "./weights";

/** Constant that layer normalization adds to the variance, the same as in PyTorch. */
const EPSILON: f32 = 1e-5;

/** Returns the address of 1 / standard deviation of four of a panel's eight rows. */
function inverseAt(layer: Layer, scratch: usize, p: usize, half: usize): usize {
  return scratch + layer.normal + ((<usize>(PANELS * layer.outputs) + p) << 5) + (half << 4);
}

/**
 * Replaces the sums before the activation by the layer's normalized values in the panels of a block; also stores these
 * values before scale and shift, and 1 / standard deviation.
 */
export function normalize(layer: Layer, scratch: usize): void {
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

/**
 * Converts the derivatives of the loss by a layer's normalized values to those by its sums before the normalization, in
 * the panels of a block; also stores the derivatives by scale and shift.
 *
 * @param place position of the block's first row in the batch
 */
export function denormalize(layer: Layer, scratch: usize, batchPitch: u32, place: u32): void {
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
