// Layers of propagation between users and items that events join: what is scored are means of a vector's neighbourhoods.
//
//   A~ = D^-1/2 A D^-1/2      A  n x n, 1 where an event joins user and item      D  its degrees
//   e  = (E + A~ E + ... + A~^K E) / (K + 1)                 only E is learned
//   dLoss/dE = (G + A~ G + ... + A~^K G) / (K + 1)           G = dLoss/de, as A~ is symmetric
//
// Both are Horner's scheme Y <- X + A~ Y, K times, from Y = X. Forward, the last turn is done for the batch's features alone;
// backward, the first one starts from them, as G is 0 elsewhere. Dimensions never mix, so that a thread works on its own slices
// without a barrier. Source: He et al. 2020 (LightGCN, arXiv:2002.02126), eq. 3, 4 and 7. Twin: ../reference-layers.ts.

import { featureOfRow } from "./batch-rows";
import { ADAM, Graph, Plan, SLICE, Thread } from "./plan";
import { rowBytes, stepSlice, stepSliceAdam, vectorOf } from "./vectors";

/** Bytes of two slices: what is kept in registers over a feature's neighbours. */
const PAIR: usize = 64;

function endOf(g: Graph, feature: u32): usize {
  return g.neighbours + ((<usize>load<u32>(g.ends + ((<usize>feature) << 2))) << 2);
}

function scaleOf(g: Graph, feature: u32): f32 {
  return load<f32>(g.scales + ((<usize>feature) << 2));
}

/** Where Y of turn k lies, `stride` bytes a feature; turn 0 is E itself. */
function panelOf(plan: Plan, k: u32): usize {
  if (k == 0) return plan.vectors;
  return k & 1 ? plan.graph.panels : plan.graph.panels2;
}

function strideOf(plan: Plan, k: u32): usize {
  return k == 0 ? <usize>plan.stride : rowBytes(plan);
}

/**
 * Writes factor (X + A~ Y) of one feature, bytes from .. to of its row.
 *
 * @param x the feature's row of X; 0 for a row of zeros
 * @param y,stride Y and the bytes of its rows
 */
function propagate(
  g: Graph,
  feature: u32,
  x: usize,
  y: usize,
  stride: usize,
  from: usize,
  to: usize,
  factor: f32,
  target: usize,
): void {
  const first = endOf(g, feature);
  const end = endOf(g, feature + 1);
  const own = f32x4.splat(scaleOf(g, feature));
  const factors = f32x4.splat(factor);
  let d = from;
  for (; d + PAIR <= to; d += PAIR) {
    let a = f32x4.splat(0);
    let b = a;
    let c = a;
    let e = a;
    for (let at = first; at < end; at += 4) {
      const other = load<u32>(at);
      const row = y + <usize>other * stride + d;
      const scale = f32x4.splat(scaleOf(g, other));
      a = f32x4.add(a, f32x4.mul(scale, v128.load(row)));
      b = f32x4.add(b, f32x4.mul(scale, v128.load(row, 16)));
      c = f32x4.add(c, f32x4.mul(scale, v128.load(row, 32)));
      e = f32x4.add(e, f32x4.mul(scale, v128.load(row, 48)));
    }
    const t = target + d;
    v128.store(t, f32x4.mul(factors, f32x4.add(f32x4.mul(own, a), at16(x, d))));
    v128.store(t, f32x4.mul(factors, f32x4.add(f32x4.mul(own, b), at16(x, d + 16))), 16);
    v128.store(t, f32x4.mul(factors, f32x4.add(f32x4.mul(own, c), at16(x, d + 32))), 32);
    v128.store(t, f32x4.mul(factors, f32x4.add(f32x4.mul(own, e), at16(x, d + 48))), 48);
  }
  for (; d < to; d += 16) {
    let a = f32x4.splat(0);
    for (let at = first; at < end; at += 4) {
      const other = load<u32>(at);
      const scale = f32x4.splat(scaleOf(g, other));
      a = f32x4.add(a, f32x4.mul(scale, v128.load(y + <usize>other * stride + d)));
    }
    v128.store(target + d, f32x4.mul(factors, f32x4.add(f32x4.mul(own, a), at16(x, d))));
  }
}

function at16(x: usize, d: usize): v128 {
  return x ? v128.load(x + d) : f32x4.splat(0);
}

/** Y of all features at turns 1 .. numTurns; the last is multiplied by the factor. */
function propagateTurns(plan: Plan, fromSlice: u32, toSlice: u32, numTurns: u32, last: f32): void {
  const bytes = rowBytes(plan);
  const from = <usize>fromSlice * SLICE;
  const to = <usize>toSlice * SLICE;
  for (let k: u32 = 1; k <= numTurns; k++) {
    const y = panelOf(plan, k - 1);
    const stride = strideOf(plan, k - 1);
    const target = panelOf(plan, k);
    const factor: f32 = k == numTurns ? last : 1;
    for (let f: u32 = 0; f < plan.numFeatures; f++) {
      propagate(plan.graph, f, vectorOf(plan, f), y, stride, from, to, factor, target + <usize>f * bytes);
    }
  }
}

/** Slices from .. to of e of every feature, into the panel of turn K. */
export function propagateAll(plan: Plan, fromSlice: u32, toSlice: u32): void {
  const K = plan.graph.numLayers;
  propagateTurns(plan, fromSlice, toSlice, K, 1 / <f32>(K + 1));
}

/** Slices from .. to of e of the batch's features, into their rows. */
export function propagateRows(plan: Plan, thread: Thread, fromSlice: u32, toSlice: u32): void {
  const bytes = rowBytes(plan);
  const K = plan.graph.numLayers;
  propagateTurns(plan, fromSlice, toSlice, K - 1, 1);
  const y = panelOf(plan, K - 1);
  const stride = strideOf(plan, K - 1);
  const from = <usize>fromSlice * SLICE;
  const to = <usize>toSlice * SLICE;
  for (let row: u32 = 0; row < thread.numRows; row++) {
    const f = featureOfRow(thread, row);
    const target = plan.contrast.rows + <usize>row * bytes;
    propagate(plan.graph, f, vectorOf(plan, f), y, stride, from, to, 1 / <f32>(K + 1), target);
  }
}

/** From dLoss/de of the batch's features to one step of slices from .. to of every feature that it reaches. */
export function stepLayers(plan: Plan, thread: Thread, fromSlice: u32, toSlice: u32): void {
  const g = plan.graph;
  const bytes = rowBytes(plan);
  const K = g.numLayers;
  const from = <usize>fromSlice * SLICE;
  const to = <usize>toSlice * SLICE;
  spread(plan, thread, from, to);
  for (let k: u32 = 2; k <= K; k++) {
    const y = panelOf(plan, k - 1);
    for (let f: u32 = 0; f < plan.numFeatures; f++) {
      const row = load<u32>(thread.rowOf + ((<usize>f) << 2));
      const x = row ? plan.contrast.rowGradients + <usize>(row - 1) * bytes : 0;
      propagate(g, f, x, y, bytes, from, to, 1, panelOf(plan, k) + <usize>f * bytes);
    }
  }
  const gradients = panelOf(plan, K);
  const factor = f32x4.splat(1 / <f32>(K + 1));
  for (let f: u32 = 0; f < plan.numFeatures; f++) {
    const vector = vectorOf(plan, f);
    const row = load<u32>(thread.rowOf + ((<usize>f) << 2));
    const count: u32 = row ? load<u32>(thread.occurrences + ((<usize>(row - 1)) << 2)) : 0;
    const l2 = f32x4.splat(plan.l2Vector * <f32>count);
    for (let d = from; d < to; d += SLICE) {
      const at = gradients + <usize>f * bytes + d;
      const v0 = v128.load(vector + d);
      const v1 = v128.load(vector + d, 16);
      const g0 = f32x4.add(f32x4.mul(factor, v128.load(at)), f32x4.mul(l2, v0));
      const g1 = f32x4.add(f32x4.mul(factor, v128.load(at, 16)), f32x4.mul(l2, v1));
      // what the batch does not reach stays where it is
      if (!v128.any_true(f32x4.ne(v128.or(g0, g1), f32x4.splat(0)))) continue;
      if (plan.method == ADAM) stepSliceAdam(plan, vector, d, v0, v1, g0, g1, thread.learningRate);
      else stepSlice(plan, vector, d, v0, v1, g0, g1, thread.learningRate);
    }
  }
}

/** G + A~ G of the first turn, bytes from .. to: from the batch's features to their neighbours. */
function spread(plan: Plan, thread: Thread, from: usize, to: usize): void {
  const g = plan.graph;
  const bytes = rowBytes(plan);
  const target = g.panels;
  for (let f: usize = 0; f < plan.numFeatures; f++) {
    for (let d = from; d < to; d += 16) v128.store(target + f * bytes + d, f32x4.splat(0));
  }
  for (let row: u32 = 0; row < thread.numRows; row++) {
    const f = featureOfRow(thread, row);
    const gradients = plan.contrast.rowGradients + <usize>row * bytes;
    addScaled(gradients, 1, target + <usize>f * bytes, from, to);
    const own = scaleOf(g, f);
    const end = endOf(g, f + 1);
    for (let at = endOf(g, f); at < end; at += 4) {
      const other = load<u32>(at);
      addScaled(gradients, own * scaleOf(g, other), target + <usize>other * bytes, from, to);
    }
  }
}

function addScaled(x: usize, factor: f32, target: usize, from: usize, to: usize): void {
  const factors = f32x4.splat(factor);
  for (let d = from; d < to; d += 16) {
    v128.store(target + d, f32x4.add(v128.load(target + d), f32x4.mul(factors, v128.load(x + d))));
  }
}
