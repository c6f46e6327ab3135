// Sums the gradients of a batch with shared negatives: each feature of the batch has a row for the sum of its
// gradients, and takes one step.
//
// Every thread numbers the rows itself, with the same result, in the order in which the features first occur in events
// and negatives. Each thread sums its own slices.

import { itemOf } from "../../shared/assembly/negatives";
import { featureAt, firstPair, PairRows, valueAt } from "../../shared/assembly/rows";
import { Adam, adaGrad, addSquare, step, stepSliceAdam } from "../../shared/assembly/steps";
import { addTo } from "../../shared/assembly/vector";
import { ADAM, Plan, SLICE, Thread } from "./plan";
import { momentsOf, rowBytes, stepSlice, vectorOf } from "./vectors";

/** Returns the row of a feature's gradients. */
export function rowOf(thread: Thread, feature: u32): u32 {
  return load<u32>(thread.rowOf + ((<usize>feature) << 2)) - 1;
}

export function featureOfRow(thread: Thread, row: u32): u32 {
  return load<u32>(thread.features + ((<usize>row) << 2));
}

/** Assigns a row to each feature of the batch, and counts the events that contain it. */
export function numberRows(plan: Plan, thread: Thread, events: usize, size: u32): void {
  thread.numRows = 0;
  for (let r: u32 = 0; r < size; r++) {
    const event = load<u32>(events + ((<usize>r) << 2));
    numberPairs(thread, plan.context, event, 1);
    numberPairs(thread, plan.templates, itemOf(plan, events, r), 1);
    if (plan.averages) countEvent(plan, thread, event, 1);
  }
  for (let n: usize = 0; n < thread.numShared; n++) {
    numberPairs(thread, plan.templates, load<u32>(thread.shared + (n << 2)), 0);
  }
}

function numberPairs(thread: Thread, rows: PairRows, row: u32, occurrences: u32): void {
  const end = firstPair(rows, row + 1);
  for (let pair = firstPair(rows, row); pair < end; pair++) {
    const feature = featureAt(rows, pair);
    const at = thread.rowOf + ((<usize>feature) << 2);
    let next = load<u32>(at);
    if (!next) {
      const place = (<usize>thread.numRows) << 2;
      store<u32>(thread.features + place, feature);
      store<u32>(thread.occurrences + place, 0);
      store<u32>(at, (next = ++thread.numRows));
    }
    const count = thread.occurrences + ((<usize>(next - 1)) << 2);
    store<u32>(count, load<u32>(count) + occurrences);
  }
}

function countEvent(plan: Plan, thread: Thread, event: u32, by: i32): void {
  const user = load<u32>(plan.users + ((<usize>event) << 2));
  if (user >= plan.numUsers) return;
  const at = thread.eventsOf + ((<usize>user) << 2);
  store<u32>(at, by ? load<u32>(at) + by : 0);
}

/** Undoes numberRows. */
export function clearRows(plan: Plan, thread: Thread, events: usize, size: u32): void {
  for (let row: u32 = 0; row < thread.numRows; row++) {
    store<u32>(thread.rowOf + ((<usize>featureOfRow(thread, row)) << 2), 0);
  }
  if (!plan.averages) return;
  for (let r: usize = 0; r < size; r++) countEvent(plan, thread, load<u32>(events + (r << 2)), 0);
}

/** Sets the gradients to 0 in slices [from, to), and those of weights if this thread updates them. */
export function zeroRows(plan: Plan, thread: Thread, fromSlice: u32, toSlice: u32, weights: bool): void {
  const c = plan.contrast;
  const bytes = rowBytes(plan);
  const own = <usize>(toSlice - fromSlice) * SLICE;
  for (let row: usize = 0; row < thread.numRows; row++) {
    memory.fill(c.rowGradients + row * bytes + <usize>fromSlice * SLICE, 0, own);
  }
  if (weights) memory.fill(c.rowWeightGradients, 0, (<usize>thread.numRows) << 2);
}

/**
 * Adds a slice of the gradients of a row's features.
 *
 * @param d     byte offset of the slice in a vector
 * @param o0,o1 dLoss/d(sum of x v); a feature's gradient is x times this
 * @param inner dLoss/dscore if the score contains products of the row's own features, as for an item; otherwise 0
 * @param s0,s1 the row's sum of x v, for the products
 */
export function addGradients(
  plan: Plan,
  thread: Thread,
  rows: PairRows,
  row: u32,
  d: usize,
  o0: v128,
  o1: v128,
  inner: v128,
  s0: v128,
  s1: v128,
): void {
  const gradients = plan.contrast.rowGradients + d;
  if (plan.single) {
    // a single feature of value 1 has no products with other features
    const at = gradients + <usize>rowOf(thread, featureAt(rows, row)) * rowBytes(plan);
    addTo(at, o0);
    addTo(at + 16, o1);
    return;
  }
  const end = firstPair(rows, row + 1);
  for (let pair = firstPair(rows, row); pair < end; pair++) {
    const feature = featureAt(rows, pair);
    const vector = vectorOf(thread, feature) + d;
    const x = f32x4.splat(valueAt(rows, pair));
    const r0 = f32x4.mul(inner, f32x4.sub(s0, f32x4.mul(x, v128.load(vector))));
    const r1 = f32x4.mul(inner, f32x4.sub(s1, f32x4.mul(x, v128.load(vector, 16))));
    const at = gradients + <usize>rowOf(thread, feature) * rowBytes(plan);
    addTo(at, f32x4.mul(x, f32x4.add(o0, r0)));
    addTo(at + 16, f32x4.mul(x, f32x4.add(o1, r1)));
  }
}

/** @param g dLoss/dscore of the row */
export function addWeightGradients(plan: Plan, thread: Thread, rows: PairRows, row: u32, g: f32): void {
  const end = firstPair(rows, row + 1);
  for (let pair = firstPair(rows, row); pair < end; pair++) {
    const at = plan.contrast.rowWeightGradients + ((<usize>rowOf(thread, featureAt(rows, pair))) << 2);
    store<f32>(at, load<f32>(at) + valueAt(rows, pair) * g);
  }
}

/**
 * Takes one step of every feature in slices [from, to). The penalty counts once per event that contains the feature.
 */
export function stepRows(plan: Plan, thread: Thread, fromSlice: u32, toSlice: u32): void {
  const bytes = rowBytes(plan);
  for (let row: u32 = 0; row < thread.numRows; row++) {
    const feature = featureOfRow(thread, row);
    const vector = vectorOf(thread, feature);
    const l2 = f32x4.splat(plan.l2Vector * <f32>load<u32>(thread.occurrences + ((<usize>row) << 2)));
    const gradients = plan.contrast.rowGradients + <usize>row * bytes;
    for (let d = <usize>fromSlice * SLICE; d < <usize>toSlice * SLICE; d += SLICE) {
      const v0 = v128.load(vector + d);
      const v1 = v128.load(vector + d, 16);
      const g0 = f32x4.add(v128.load(gradients + d), f32x4.mul(l2, v0));
      const g1 = f32x4.add(v128.load(gradients + d, 16), f32x4.mul(l2, v1));
      if (plan.method == ADAM)
        stepSliceAdam(vector, momentsOf(plan, feature), bytes, d, g0, g1, thread.learningRate);
      else stepSlice(thread, vector, d, v0, v1, g0, g1, thread.learningRate);
    }
  }
}

export function stepRowWeights(plan: Plan, thread: Thread): void {
  for (let row: u32 = 0; row < thread.numRows; row++) {
    const at = plan.weights + <usize>featureOfRow(thread, row) * plan.weightStride;
    const place = (<usize>row) << 2;
    const w = load<f32>(at);
    const l2 = plan.l2Weight * <f32>load<u32>(thread.occurrences + place);
    const g = load<f32>(plan.contrast.rowWeightGradients + place) + l2 * w;
    if (plan.method == ADAM) {
      step<Adam, f32>(at, 4, w, g, thread.learningRate);
    } else {
      const n = addSquare<f32>(load<f32>(at, 4), g);
      store<f32>(at, n, 4);
      store<f32>(at, adaGrad<f32>(w, g, thread.learningRate, n));
    }
  }
}
