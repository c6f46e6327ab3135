// The step of a dense layer's parameters, eight outputs at a time, from what all blocks of the batch have left.
//
//   dW[o][i] = sum over rows of dz[o] x[i], in the rows' order     db[o] = sum over rows of dz[o]
//   Adam     m, s <- their moving means of g and g^2;  p <- p - lr m / c1 / (sqrt(s / c2) + 1e-8)      Kingma and Ba 2015
//
//   packed   f32[inputs / 4][R][4]     slopes   f32[outputs / 8][R][8]     g = (sum + penalty) of the batch's mean

import { addPacked } from "../../shared/assembly/tile";
import { transpose4 } from "../../shared/assembly/transpose";
import { Layer, NetPlan, NetThread } from "./plan";

/** Rows whose terms are added before the next tile is turned to: enough for a tile to pay, few enough for the second cache. */
const CHUNK: u32 = 1024;
const BETA1: f64 = 0.9;
const BETA2: f64 = 0.999;

/** Moves four parameters. @param c1,c2 1 - beta^t */
export function adam4(p: usize, pm: usize, ps: usize, g: v128, lr: f32, c1: f32, c2: f32): void {
  const m = f32x4.add(
    f32x4.mul(f32x4.splat(<f32>BETA1), v128.load(pm)),
    f32x4.mul(f32x4.splat(<f32>(1 - BETA1)), g),
  );
  const square = f32x4.mul(g, g);
  const s = f32x4.add(
    f32x4.mul(f32x4.splat(<f32>BETA2), v128.load(ps)),
    f32x4.mul(f32x4.splat(<f32>(1 - BETA2)), square),
  );
  v128.store(pm, m);
  v128.store(ps, s);
  const root = f32x4.sqrt(f32x4.mul(s, f32x4.splat(1 / c2)));
  const step = f32x4.div(f32x4.mul(m, f32x4.splat(lr / c1)), f32x4.add(root, f32x4.splat(1e-8)));
  v128.store(p, f32x4.sub(v128.load(p), step));
}

/** 1 - base^t by repeated squaring. */
export function correction(base: f64, t: u32): f32 {
  let power: f64 = 1;
  for (; t; t >>>= 1, base *= base) if (t & 1) power *= base;
  return <f32>(1 - power);
}

/** Keeps the block's inputs of the layer. @param place of the block's first row in the batch */
export function packInputs(layer: Layer, panel: usize, batchPitch: u32, place: u32): void {
  const group = (<usize>batchPitch) << 4;
  let target = layer.packed + ((<usize>place) << 4);
  for (let i: u32 = 0; i < layer.inputs; i += 4, panel += 128, target += group) {
    transpose4(panel, 32, target, 16);
    transpose4(panel + 16, 32, target + 64, 16);
  }
}

/** Keeps the block's derivatives by z. */
export function packSlopes(layer: Layer, panel: usize, batchPitch: u32, place: u32): void {
  const group = (<usize>batchPitch) << 5;
  let target = layer.slopes + ((<usize>place) << 5);
  for (let o: u32 = 0; o < layer.outputs; o += 8, panel += 256, target += group) {
    transpose4(panel, 32, target, 32);
    transpose4(panel + 16, 32, target + 128, 32);
    transpose4(panel + 128, 32, target + 16, 32);
    transpose4(panel + 144, 32, target + 144, 32);
  }
}

/** One step of the weights and biases of outputs 8 j .. 8 j + 7. @param numRows of the batch, t its step's number from 1 */
export function stepWeights(
  plan: NetPlan,
  thread: NetThread,
  layer: Layer,
  j: u32,
  numRows: u32,
  t: u32,
): void {
  const inputs = layer.inputs;
  const paddedRows = (numRows + 7) & ~7;
  const slopes = layer.slopes + ((<usize>(j * plan.batchPitch)) << 5);
  memory.fill(thread.tiles, 0, (<usize>inputs) << 5);
  for (let from: u32 = 0; from < paddedRows; from += CHUNK) {
    const n = min(CHUNK, paddedRows - from);
    const right = slopes + ((<usize>from) << 5);
    let left = layer.packed + ((<usize>from) << 4);
    for (let i: u32 = 0; i < inputs; i += 4, left += (<usize>plan.batchPitch) << 4) {
      addPacked(left, right, n, thread.tiles + ((<usize>i) << 5));
    }
  }
  const lr = plan.learningRate;
  const c1 = correction(BETA1, t);
  const c2 = correction(BETA2, t);
  const mean = f32x4.splat(1 / <f32>numRows);
  const l2 = f32x4.splat(plan.l2);
  for (let half: usize = 0; half < 2; half++) {
    let at = (<usize>((2 * j + <u32>half) * inputs)) << 4;
    let sum = thread.tiles + (half << 4);
    for (let i: u32 = 0; i < inputs; i++, at += 16, sum += 32) {
      const p = layer.weights + at;
      const g = f32x4.add(f32x4.mul(mean, v128.load(sum)), f32x4.mul(l2, v128.load(p)));
      adam4(p, layer.weightM + at, layer.weightS + at, g, lr, c1, c2);
    }
    turn(layer, 2 * j + <u32>half);
    const b = (<usize>(8 * j + 4 * <u32>half)) << 2;
    const g = f32x4.mul(mean, sumRows(slopes + (half << 4), 32, paddedRows));
    adam4(layer.biases + b, layer.biasM + b, layer.biasS + b, g, lr, c1, c2);
  }
}

/** Writes a group of four outputs' weights once more, as the way back reads them. */
function turn(layer: Layer, group: u32): void {
  const inputs = layer.inputs;
  let source = layer.weights + ((<usize>(group * inputs)) << 4);
  let target = layer.turned + ((<usize>group) << 6);
  for (let i: u32 = 0; i < inputs; i += 4, source += 64, target += (<usize>layer.outputs) << 4) {
    transpose4(source, 16, target, 16);
  }
}

/** The sum of four numbers of each row, in the rows' order. */
function sumRows(at: usize, stride: usize, numRows: u32): v128 {
  let sum = f32x4.splat(0);
  for (let r: u32 = 0; r < numRows; r++, at += stride) sum = f32x4.add(sum, v128.load(at));
  return sum;
}

/** One step of w0, from the derivatives by the first input. */
export function stepBias(plan: NetPlan, numRows: u32, t: u32): void {
  let sum: f32 = 0;
  const pitch = (<usize>plan.rowPitch) << 2;
  for (let r: usize = 0; r < numRows; r++) sum += load<f32>(plan.inputSlopes + r * pitch);
  const p = plan.w0;
  const g = f32x4.replace_lane(f32x4.splat(0), 0, sum / <f32>numRows);
  adam4(p, p + 16, p + 32, g, plan.learningRate, correction(BETA1, t), correction(BETA2, t));
}
