// Propagation layers between users and items that events join: scores use weighted means over a vector's neighborhood.
//
//   A~ = D^-1/2 A D^-1/2      A  n x n, 1 where an event joins user and item      D  its degrees
//   e  = (E + A~ E + ... + A~^K E) / (K + 1)                 only E is learned
//   dLoss/dE = (G + A~ G + ... + A~^K G) / (K + 1)           G = dLoss/de, as A~ is symmetric
//
// Both sums are computed by Horner's scheme Y <- X + A~ Y, K times, starting at Y = X. Forward, the last turn is
// computed for the batch's features only; backward, the first one starts from them, because G is 0 elsewhere.
// Dimensions are independent: a thread works on panels of 16 of its own dimensions without a barrier, and a panel's
// rows, one cache line each, fit in a small part of memory.
// Source: He et al. 2020 (LightGCN, arXiv:2002.02126), eq. 3, 4 and 7. Twin: denseLayers in
// ../ranking.reference.ts.

import { stepSliceAdam } from "../../shared/assembly/steps";
import { featureOfRow } from "./batch-rows";
import { ADAM, PropagationGraph, Plan, SLICE, Thread } from "./plan";
import { momentsOf, rowBytes, stepSlice, vectorOf } from "./vectors";

/** Bytes of a panel's row: two slices, of which the second may be unused. */
const PANEL: usize = 64;

function endOf(g: PropagationGraph, feature: u32): usize {
  return g.neighbors + ((<usize>load<u32>(g.ends + ((<usize>feature) << 2))) << 2);
}

function scaleOf(g: PropagationGraph, feature: u32): f32 {
  return load<f32>(g.scales + ((<usize>feature) << 2));
}

/**
 * Writes factor (x + A~ Y) of one feature: a row of a panel, or its first half for one slice. For one slice, the second
 * half is also read, from the memory that follows, and discarded.
 *
 * @param x        16 numbers of the feature's row of X; 0 for zeros
 * @param y,stride address of Y, and number of bytes from one row to the next
 */
function propagate(
  g: PropagationGraph,
  feature: u32,
  x: usize,
  y: usize,
  stride: usize,
  wide: bool,
  factor: f32,
  target: usize,
): void {
  const zero = f32x4.splat(0);
  let s0 = zero;
  let s1 = zero;
  let s2 = zero;
  let s3 = zero;
  let at = endOf(g, feature);
  const end = endOf(g, feature + 1);
  for (; at < end; at += 4) {
    const other = load<u32>(at);
    const row = y + <usize>other * stride;
    const scale = f32x4.splat(scaleOf(g, other));
    s0 = f32x4.add(s0, f32x4.mul(scale, v128.load(row)));
    s1 = f32x4.add(s1, f32x4.mul(scale, v128.load(row, 16)));
    s2 = f32x4.add(s2, f32x4.mul(scale, v128.load(row, 32)));
    s3 = f32x4.add(s3, f32x4.mul(scale, v128.load(row, 48)));
  }
  const own = f32x4.splat(scaleOf(g, feature));
  const factors = f32x4.splat(factor);
  put(target, f32x4.mul(own, s0), x ? v128.load(x) : zero, factors);
  put(target + 16, f32x4.mul(own, s1), x ? v128.load(x, 16) : zero, factors);
  if (!wide) return;
  put(target + 32, f32x4.mul(own, s2), x ? v128.load(x, 32) : zero, factors);
  put(target + 48, f32x4.mul(own, s3), x ? v128.load(x, 48) : zero, factors);
}

function put(target: usize, sum: v128, x: v128, factors: v128): void {
  v128.store(target, f32x4.mul(factors, f32x4.add(sum, x)));
}

/** Copies two slices of every feature's learned vector, from byte d on; only one unless `wide`. */
function gather(plan: Plan, thread: Thread, d: usize, wide: bool, panel: usize): void {
  for (let f: u32 = 0; f < plan.numFeatures; f++, panel += PANEL) {
    const v = vectorOf(thread, f) + d;
    v128.store(panel, v128.load(v));
    v128.store(panel, v128.load(v, 16), 16);
    if (!wide) continue;
    v128.store(panel, v128.load(v, 32), 32);
    v128.store(panel, v128.load(v, 48), 48);
  }
}

/** Takes turns of Horner's scheme from the learned vectors. @returns the panel with the sum */
function turnsOfVectors(plan: Plan, thread: Thread, d: usize, wide: bool, numTurns: u32): usize {
  let y = thread.panel;
  let next = thread.panel2;
  gather(plan, thread, d, wide, y);
  for (let k: u32 = 0; k < numTurns; k++) {
    for (let f: u32 = 0; f < plan.numFeatures; f++) {
      propagate(plan.graph, f, vectorOf(thread, f) + d, y, PANEL, wide, 1, next + <usize>f * PANEL);
    }
    const done = next;
    next = y;
    y = done;
  }
  return y;
}

/** Writes slices from .. to of e of all n features, f32[n][D]. */
export function propagateAll(plan: Plan, thread: Thread, fromSlice: u32, toSlice: u32): void {
  const bytes = rowBytes(plan);
  const K = plan.graph.numLayers;
  const to = <usize>toSlice * SLICE;
  for (let d = <usize>fromSlice * SLICE; d < to; d += PANEL) {
    const wide = d + PANEL <= to;
    const y = turnsOfVectors(plan, thread, d, wide, K - 1);
    for (let f: u32 = 0; f < plan.numFeatures; f++) {
      const target = plan.graph.propagated + <usize>f * bytes + d;
      propagate(plan.graph, f, vectorOf(thread, f) + d, y, PANEL, wide, 1 / <f32>(K + 1), target);
    }
  }
}

/** Writes slices from .. to of e of the batch's features to their rows. */
export function propagateRows(plan: Plan, thread: Thread, fromSlice: u32, toSlice: u32): void {
  const bytes = rowBytes(plan);
  const K = plan.graph.numLayers;
  const to = <usize>toSlice * SLICE;
  for (let d = <usize>fromSlice * SLICE; d < to; d += PANEL) {
    const wide = d + PANEL <= to;
    // with one layer, the neighbors of the batch's features are read directly from the learned vectors
    const y = K == 1 ? thread.vectors + d : turnsOfVectors(plan, thread, d, wide, K - 1);
    const stride = K == 1 ? <usize>thread.stride : PANEL;
    for (let row: u32 = 0; row < thread.numRows; row++) {
      const f = featureOfRow(thread, row);
      const target = plan.contrast.rows + <usize>row * bytes + d;
      propagate(plan.graph, f, vectorOf(thread, f) + d, y, stride, wide, 1 / <f32>(K + 1), target);
    }
  }
}

/** Takes one step of slices from .. to of every feature that dLoss/de of the batch's features reaches. */
export function stepLayers(plan: Plan, thread: Thread, fromSlice: u32, toSlice: u32): void {
  const bytes = rowBytes(plan);
  const to = <usize>toSlice * SLICE;
  for (let d = <usize>fromSlice * SLICE; d < to; d += PANEL) {
    const wide = d + PANEL <= to;
    let y = thread.panel;
    let next = thread.panel2;
    spread(plan, thread, d, wide, y);
    for (let k: u32 = 1; k < plan.graph.numLayers; k++) {
      for (let f: u32 = 0; f < plan.numFeatures; f++) {
        const row = load<u32>(thread.rowOf + ((<usize>f) << 2));
        const x = row ? plan.contrast.rowGradients + <usize>(row - 1) * bytes + d : 0;
        propagate(plan.graph, f, x, y, PANEL, wide, 1, next + <usize>f * PANEL);
      }
      const done = next;
      next = y;
      y = done;
    }
    for (let f: u32 = 0; f < plan.numFeatures; f++) {
      stepPropagated(plan, thread, f, d, y + <usize>f * PANEL);
      if (wide) stepPropagated(plan, thread, f, d + SLICE, y + <usize>f * PANEL + SLICE);
    }
  }
}

/** @param gradient (number of layers + 1) times dLoss/dv */
function stepPropagated(plan: Plan, thread: Thread, f: u32, d: usize, gradient: usize): void {
  const factor = f32x4.splat(1 / <f32>(plan.graph.numLayers + 1));
  let g0 = f32x4.mul(factor, v128.load(gradient));
  let g1 = f32x4.mul(factor, v128.load(gradient, 16));
  const vector = vectorOf(thread, f);
  const row = load<u32>(thread.rowOf + ((<usize>f) << 2));
  if (row && plan.l2Vector != 0) {
    const l2 = f32x4.splat(plan.l2Vector * <f32>load<u32>(thread.occurrences + ((<usize>(row - 1)) << 2)));
    g0 = f32x4.add(g0, f32x4.mul(l2, v128.load(vector + d)));
    g1 = f32x4.add(g1, f32x4.mul(l2, v128.load(vector + d, 16)));
  }
  // features without a gradient stay unchanged
  if (!v128.any_true(f32x4.ne(v128.or(g0, g1), f32x4.splat(0)))) return;
  if (plan.method == ADAM) {
    stepSliceAdam(vector, momentsOf(plan, f), rowBytes(plan), d, g0, g1, thread.learningRate);
  } else {
    const v0 = v128.load(vector + d);
    stepSlice(thread, vector, d, v0, v128.load(vector + d, 16), g0, g1, thread.learningRate);
  }
}

/** Takes the first turn backward: adds each feature's gradient to its own row and to its neighbors' rows. */
function spread(plan: Plan, thread: Thread, d: usize, wide: bool, panel: usize): void {
  const g = plan.graph;
  const bytes = rowBytes(plan);
  memory.fill(panel, 0, <usize>plan.numFeatures * PANEL);
  for (let row: u32 = 0; row < thread.numRows; row++) {
    const f = featureOfRow(thread, row);
    const gradient = plan.contrast.rowGradients + <usize>row * bytes + d;
    const g0 = v128.load(gradient);
    const g1 = v128.load(gradient, 16);
    const g2 = wide ? v128.load(gradient, 32) : g0;
    const g3 = wide ? v128.load(gradient, 48) : g0;
    addRow(panel + <usize>f * PANEL, 1, g0, g1, g2, g3);
    const own = scaleOf(g, f);
    const end = endOf(g, f + 1);
    for (let at = endOf(g, f); at < end; at += 4) {
      const other = load<u32>(at);
      addRow(panel + <usize>other * PANEL, own * scaleOf(g, other), g0, g1, g2, g3);
    }
  }
}

function addRow(target: usize, factor: f32, g0: v128, g1: v128, g2: v128, g3: v128): void {
  const factors = f32x4.splat(factor);
  v128.store(target, f32x4.add(v128.load(target), f32x4.mul(factors, g0)));
  v128.store(target, f32x4.add(v128.load(target, 16), f32x4.mul(factors, g1)), 16);
  v128.store(target, f32x4.add(v128.load(target, 32), f32x4.mul(factors, g2)), 32);
  v128.store(target, f32x4.add(v128.load(target, 48), f32x4.mul(factors, g3)), 48);
}
