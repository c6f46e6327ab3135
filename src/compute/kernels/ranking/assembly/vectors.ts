// Functions that compute the vectors of rows of features, and take AdaGrad's step of a feature, a slice at a time.

import { featureAt, firstPair, PairRows, valueAt } from "../../shared/assembly/rows";
import { adaGrad, addSquare, sgd } from "../../shared/assembly/steps";
import { sum4 } from "../../shared/assembly/vector";
import { Plan, SGD, Thread, VectorTable } from "./plan";

export function rowBytes(plan: Plan): usize {
  return (<usize>plan.numSlices) << 5;
}

/** 1 if events have no weights */
export function weightOfEvent(plan: Plan, event: u32): f32 {
  return plan.eventWeights ? load<f32>(plan.eventWeights + ((<usize>event) << 2)) : 1;
}

export function tableAt(plan: Plan, i: u32): VectorTable {
  return changetype<VectorTable>(plan.tables + <usize>i * offsetof<VectorTable>());
}

/** Points a thread to those slices from .. to - 1 that a table contains. @returns whether there are any */
export function openSlices(thread: Thread, table: VectorTable, from: u32, to: u32): bool {
  thread.fromSlice = max(from, table.fromSlice);
  thread.toSlice = min(to, table.toSlice);
  thread.vectors = table.vectors;
  thread.stride = table.stride;
  thread.squares = table.squares;
  return thread.fromSlice < thread.toSlice;
}

/** Returns the address that a feature's vector would have if the current table contained all slices. */
export function vectorOf(thread: Thread, feature: u32): usize {
  return thread.vectors + <usize>feature * thread.stride;
}

export function weightAt(plan: Plan, feature: u32): usize {
  return plan.weights + <usize>feature * plan.weightStride;
}

export function momentsOf(plan: Plan, feature: u32): usize {
  return plan.moments + <usize>feature * plan.momentStride;
}

/** Returns four dimensions, from byte c on, of a row's sum of x v. */
export function sumOf(thread: Thread, rows: PairRows, row: u32, c: usize): v128 {
  const end = firstPair(rows, row + 1);
  let sum = f32x4.splat(0);
  for (let pair = firstPair(rows, row); pair < end; pair++) {
    const v = v128.load(vectorOf(thread, featureAt(rows, pair)) + c);
    sum = f32x4.add(sum, f32x4.mul(f32x4.splat(valueAt(rows, pair)), v));
  }
  return sum;
}

/** Returns four dimensions, from byte c on, of a row's sum of (x v)^2. */
export function squaresOf(thread: Thread, rows: PairRows, row: u32, c: usize): v128 {
  const end = firstPair(rows, row + 1);
  let sum = f32x4.splat(0);
  for (let pair = firstPair(rows, row); pair < end; pair++) {
    const v = v128.load(vectorOf(thread, featureAt(rows, pair)) + c);
    const xv = f32x4.mul(f32x4.splat(valueAt(rows, pair)), v);
    sum = f32x4.add(sum, f32x4.mul(xv, xv));
  }
  return sum;
}

/** Returns a row's sum of x w. */
export function weightOf(plan: Plan, rows: PairRows, row: u32): f32 {
  const end = firstPair(rows, row + 1);
  let sum: f32 = 0;
  for (let pair = firstPair(rows, row); pair < end; pair++) {
    sum += valueAt(rows, pair) * load<f32>(weightAt(plan, featureAt(rows, pair)));
  }
  return sum;
}

/**
 * Takes one AdaGrad step of a slice, v0 v1, of the feature whose v is at `vector`.
 *
 * A slice has a single accumulator, to which the mean of its squared gradients is added. This takes an eighth of the
 * memory, and random access to memory takes most of the time.
 *
 * @param c byte offset of the slice in the vector
 */
export function stepSlice(
  thread: Thread,
  vector: usize,
  c: usize,
  v0: v128,
  v1: v128,
  g0: v128,
  g1: v128,
  learningRate: f32,
): void {
  const at = vector + thread.squares + (c >>> 3);
  const n = load<f32>(at) + meanSquare(g0, g1);
  store<f32>(at, n);
  const rate = f32x4.splat(learningRate / sqrt<f32>(n));
  v128.store(vector + c, sgd<v128>(v0, g0, rate));
  v128.store(vector + c, sgd<v128>(v1, g1, rate), 16);
}

function meanSquare(g0: v128, g1: v128): f32 {
  return <f32>0.125 * sum4(f32x4.add(f32x4.mul(g0, g0), f32x4.mul(g1, g1)));
}

/**
 * Updates a slice of every feature of a row.
 *
 * @param o0,o1 dLoss/d(sum of x v); a feature's gradient is x times this
 * @param inner dLoss/dscore if the score contains products of the row's own features, as for an item; otherwise 0
 * @param s0,s1 the row's sum of x v, for the products
 * @param l2    penalty
 */
export function stepRow(
  thread: Thread,
  rows: PairRows,
  row: u32,
  c: usize,
  o0: v128,
  o1: v128,
  inner: v128,
  s0: v128,
  s1: v128,
  l2: v128,
  learningRate: f32,
): void {
  const end = firstPair(rows, row + 1);
  for (let pair = firstPair(rows, row); pair < end; pair++) {
    const vector = vectorOf(thread, featureAt(rows, pair));
    const x = f32x4.splat(valueAt(rows, pair));
    const v0 = v128.load(vector + c);
    const v1 = v128.load(vector + c, 16);
    const r0 = f32x4.mul(inner, f32x4.sub(s0, f32x4.mul(x, v0)));
    const r1 = f32x4.mul(inner, f32x4.sub(s1, f32x4.mul(x, v1)));
    const g0 = f32x4.add(f32x4.mul(x, f32x4.add(o0, r0)), f32x4.mul(l2, v0));
    const g1 = f32x4.add(f32x4.mul(x, f32x4.add(o1, r1)), f32x4.mul(l2, v1));
    stepSlice(thread, vector, c, v0, v1, g0, g1, learningRate);
  }
}

/** @param g dLoss/dscore */
export function stepWeights(plan: Plan, rows: PairRows, row: u32, g: f32): void {
  const end = firstPair(rows, row + 1);
  for (let pair = firstPair(rows, row); pair < end; pair++) {
    stepWeight(plan, featureAt(rows, pair), valueAt(rows, pair) * g);
  }
}

/** @param g derivative of the loss by the weight, without the penalty */
export function stepWeight(plan: Plan, feature: u32, g: f32): void {
  const at = weightAt(plan, feature);
  const w = load<f32>(at);
  const gradient = g + plan.l2Weight * w;
  if (plan.method == SGD) {
    store<f32>(at, sgd<f32>(w, gradient, plan.learningRate));
    return;
  }
  const n = addSquare<f32>(load<f32>(at, 4), gradient);
  store<f32>(at, n, 4);
  store<f32>(at, adaGrad<f32>(w, gradient, plan.learningRate, n));
}
