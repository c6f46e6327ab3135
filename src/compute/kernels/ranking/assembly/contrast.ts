// Losses of an event's item against N negatives that the batch shares: three matrix products per batch.
//
//   s_bn  score of negative n for event b, as a product P Q^T of the batch's contexts P and negatives Q
//   g_bn  dLoss/ds_bn
//
//   sampled softmax   l_b = weight log(exp(z_b+) + sum_n exp(z_bn)) - z_b+,  z = s / temperature - log noise(item)
//                     Bengio and Senecal 2008 (doi:10.1109/TNN.2007.912312); items of the user's events are left out
//                     of cosines without z_b+ in the sum: the bilateral softmax, Wu et al. 2023 (arXiv:2312.12882)
//   CCL               l_b = 1 - s_b+ + (weight / N) sum_n max(0, s_bn - margin)
//       Mao et al. 2021 (arXiv:2109.12317), eq. 1
//
//   cosine: rows of P and Q are divided by their lengths; dLoss/dp = (dLoss/dp^ - <dLoss/dp^, p^> p^) / |p|
//
//   number    every thread for itself: negatives, and the batch's features (batch-rows.ts)
//   compose   negatives divided among threads by eights     ──barrier──
//   score     256 events, divided by fours: scores, gradients, dLoss/dP = G Q     ──barrier──
//   add       dimensions divided by slices: dLoss/dQ = G^T P, gradients of every feature  ──barrier──, next 256 events
//   step      dimensions divided by slices: one step of every feature of the batch     ──barrier──
//
// Every number is computed by one thread, in a fixed order, so the bytes do not depend on the number of threads. Twin:
// ../ranking.reference.ts.

import { exclude, itemOf, logNoise } from "../../shared/assembly/negatives";
import { featureAt, PairRows } from "../../shared/assembly/rows";
import { sampledSoftmax4 } from "../../shared/assembly/sampled-softmax";
import { addProducts, addTransposed, writeColumns } from "../../shared/assembly/tile";
import { dot, sum4 } from "../../shared/assembly/vector";
import { addGradients, addWeightGradients, rowOf } from "./batch-rows";
import { K, Plan, SAMPLED_SOFTMAX, SLICE, Thread } from "./plan";
import { rowBytes, squaresOf, sumOf, weightOf, weightOfEvent } from "./vectors";

/**
 * Computes scores, losses, and gradients by scores and contexts of events b .. b + 3; events beyond numRows are zeros.
 */
export function scoreFour(plan: Plan, thread: Thread, events: usize, b: u32, numRows: u32): void {
  const c = plan.contrast;
  const bytes = rowBytes(plan);
  const numEvents = min<u32>(4, numRows - b);
  for (let i: u32 = 0; i < 4; i++) {
    const at = (<usize>(b + i)) << 2;
    const P = c.contexts + <usize>(b + i) * bytes;
    if (i >= numEvents) {
      memory.fill(P, 0, bytes);
      memory.fill(c.positives + <usize>(b + i) * bytes, 0, bytes);
      store<f32>(c.positiveScores + at, 0);
    } else {
      const event = load<u32>(events + at);
      const item = load<u32>(plan.items + ((<usize>event) << 2));
      const Q = c.positives + <usize>(b + i) * bytes;
      store<f32>(c.contextScales + at, compose(plan, thread, plan.context, event, P));
      store<f32>(c.positiveScales + at, compose(plan, thread, plan.templates, item, Q));
      store<f32>(c.positiveScores + at, offsetOf(plan, thread, item, Q) + dot(P, Q, bytes));
    }
    for (let d: usize = 0; d < bytes >>> 2; d++) {
      store<f32>(thread.packed + (d << 4) + ((<usize>i) << 2), load<f32>(P + (d << 2)));
    }
  }
  const G = c.gradients + ((<usize>b * thread.numShared) << 2);
  for (let n: usize = 0; n < thread.numShared; n += 8) {
    writeColumns(thread.packed, c.panels + n * bytes, plan.numSlices * K, c.offsets + (n << 2), G + (n << 4));
  }
  if (plan.loss == SAMPLED_SOFTMAX) softmaxFour(plan, thread, events, b, numEvents, G);
  else cclFour(plan, thread, events, b, numEvents, G);
  contextGradients(plan, thread, b, G);
}

/** Returns the weight of an event, divided among the user's events of the batch if they are averaged. */
function shareOfEvent(plan: Plan, thread: Thread, event: u32): f32 {
  const weight = weightOfEvent(plan, event);
  if (!plan.averages) return weight;
  const user = load<u32>(plan.users + ((<usize>event) << 2));
  return user < plan.numUsers ? weight / <f32>load<u32>(thread.eventsOf + ((<usize>user) << 2)) : weight;
}

/** Stores a number of the i-th of four events in lane i of `thread.tile`. */
function setLane(thread: Thread, i: usize, value: f32): void {
  store<f32>(thread.tile + (i << 2), value);
}

function softmaxFour(plan: Plan, thread: Thread, events: usize, b: u32, numEvents: u32, G: usize): void {
  const c = plan.contrast;
  const N = <usize>thread.numShared;
  v128.store(thread.tile, f32x4.splat(0));
  v128.store(thread.tile, f32x4.splat(0), 16);
  for (let i: usize = 0; i < numEvents; i++) {
    const event = load<u32>(events + ((<usize>b + i) << 2));
    exclude(plan, thread, event, i, G, -Infinity);
    setLane(thread, i, logNoise(plan, load<u32>(plan.items + ((<usize>event) << 2))));
    setLane(thread, i + 4, shareOfEvent(plan, thread, event));
  }
  const row = (<usize>b) << 2;
  sampledSoftmax4(
    G,
    plan.logNoise ? thread.negativeNoise : 0,
    N,
    v128.load(c.positiveScores + row),
    v128.load(thread.tile),
    v128.load(thread.tile, 16),
    plan.temperature,
    plan.negativeWeight,
    plan.cosine != 0,
    c.losses + row,
    c.positiveGradients + row,
    plan.cosine ? 0 : c.columns + (((row >>> 4) * N) << 2),
  );
}

function cclFour(plan: Plan, thread: Thread, events: usize, b: u32, numEvents: u32, G: usize): void {
  const c = plan.contrast;
  const N = <usize>thread.numShared;
  v128.store(thread.tile, f32x4.splat(0));
  for (let i: usize = 0; i < numEvents; i++) {
    const event = load<u32>(events + ((<usize>b + i) << 2));
    exclude(plan, thread, event, i, G, -Infinity);
    setLane(thread, i, shareOfEvent(plan, thread, event));
  }
  const weights = v128.load(thread.tile);
  const margin = f32x4.splat(plan.margin);
  // N is 0 if the only negatives are the batch's own items and a last batch has fewer than 8 events
  const share = f32x4.mul(weights, f32x4.splat(N > 0 ? plan.negativeWeight / <f32>N : 0));
  let excess = f32x4.splat(0);
  for (let n: usize = 0; n < N; n++) {
    const score = v128.load(G + (n << 4));
    const counts = f32x4.gt(score, margin);
    const g = v128.and(share, counts);
    excess = f32x4.add(excess, v128.and(f32x4.sub(score, margin), counts));
    v128.store(G + (n << 4), g);
  }
  const s = v128.load(c.positiveScores + ((<usize>b) << 2));
  const losses = f32x4.add(f32x4.mul(weights, f32x4.sub(f32x4.splat(1), s)), f32x4.mul(share, excess));
  v128.store(c.losses + ((<usize>b) << 2), losses);
  v128.store(c.positiveGradients + ((<usize>b) << 2), f32x4.neg(weights));
}

/** Computes the derivatives by the context vectors of four events, G Q, then differentiates the normalization. */
function contextGradients(plan: Plan, thread: Thread, b: u32, G: usize): void {
  const c = plan.contrast;
  const bytes = rowBytes(plan);
  for (let d: usize = 0; d < bytes; d += SLICE) {
    memory.fill(thread.tile, 0, 128);
    addProducts(G, 16, c.negatives + d, bytes, thread.numShared, thread.tile);
    for (let i: usize = 0; i < 4; i++) {
      const row = (<usize>b + i) * bytes + d;
      const g = v128.load32_splat(c.positiveGradients + ((<usize>b + i) << 2));
      for (let h: usize = 0; h < SLICE; h += 16) {
        const own = f32x4.mul(g, v128.load(c.positives + row + h));
        v128.store(c.contextGradients + row + h, f32x4.add(v128.load(thread.tile + (i << 5) + h), own));
      }
    }
  }
  if (!plan.cosine) return;
  for (let i: usize = 0; i < 4; i++) {
    const row = (<usize>b + i) * bytes;
    const along = f32x4.splat(dot(c.contextGradients + row, c.contexts + row, bytes));
    const scale = v128.load32_splat(c.contextScales + ((<usize>b + i) << 2));
    for (let d: usize = 0; d < bytes; d += 16) {
      const g = v128.load(c.contextGradients + row + d);
      const across = f32x4.sub(g, f32x4.mul(along, v128.load(c.contexts + row + d)));
      v128.store(c.contextGradients + row + d, f32x4.mul(across, scale));
    }
  }
}

/** Shorter vectors are divided as if they had this squared length. */
const SHORTEST: f32 = 1e-12;

/**
 * Writes the vector of a row: the sum of x v, or with layers the propagated vector of its only feature. For cosine it
 * is normalized.
 * @returns 1 / length for cosine, otherwise 1
 */
function compose(plan: Plan, thread: Thread, rows: PairRows, row: u32, target: usize): f32 {
  const bytes = rowBytes(plan);
  let squares = f32x4.splat(0);
  const propagated = plan.through
    ? plan.contrast.rows + <usize>rowOf(thread, featureAt(rows, row)) * bytes
    : 0;
  for (let c: usize = 0; c < bytes; c += 16) {
    const sum = propagated ? v128.load(propagated + c) : sumOf(thread, rows, row, c);
    v128.store(target + c, sum);
    squares = f32x4.add(squares, f32x4.mul(sum, sum));
  }
  if (!plan.cosine) return 1;
  const scale: f32 = 1 / sqrt<f32>(max<f32>(SHORTEST, sum4(squares)));
  for (let c: usize = 0; c < bytes; c += 16) {
    v128.store(target + c, f32x4.mul(v128.load(target + c), f32x4.splat(scale)));
  }
  return scale;
}

/** Returns an item's sum of x w plus the products of its own features; 0 for cosine. @param vector sum of x v */
function offsetOf(plan: Plan, thread: Thread, item: u32, vector: usize): f32 {
  if (plan.cosine) return 0;
  let inner = f32x4.splat(0);
  for (let c: usize = 0; c < rowBytes(plan); c += 16) {
    const q = v128.load(vector + c);
    inner = f32x4.add(inner, f32x4.sub(f32x4.mul(q, q), squaresOf(thread, plan.templates, item, c)));
  }
  const own: f32 = plan.single ? 0 : 0.5 * sum4(inner);
  return weightOf(plan, plan.templates, item) + own;
}

/** Computes negatives [from, to), multiples of 8. */
export function composeNegatives(plan: Plan, thread: Thread, from: u32, to: u32): void {
  const c = plan.contrast;
  const bytes = rowBytes(plan);
  for (let n = from; n < to; n++) {
    const item = load<u32>(thread.shared + ((<usize>n) << 2));
    const row = c.negatives + <usize>n * bytes;
    store<f32>(c.negativeScales + ((<usize>n) << 2), compose(plan, thread, plan.templates, item, row));
    store<f32>(c.offsets + ((<usize>n) << 2), offsetOf(plan, thread, item, row));
    const panel = c.panels + <usize>(n >>> 3) * (bytes << 3) + ((<usize>(n & 7)) << 2);
    for (let d: usize = 0; d < bytes >>> 2; d++) {
      store<f32>(panel + (d << 5), load<f32>(row + (d << 2)));
    }
  }
}

/** In slices [from, to), adds the derivatives by the events' own features, and by the negatives' vectors. */
export function addEvents(
  plan: Plan,
  thread: Thread,
  events: usize,
  numRows: u32,
  fromSlice: u32,
  toSlice: u32,
): void {
  const c = plan.contrast;
  const bytes = rowBytes(plan);
  const zero = f32x4.splat(0);
  for (let r: u32 = 0; r < numRows; r++) {
    const at = (<usize>r) << 2;
    const event = load<u32>(events + at);
    const item = itemOf(plan, events, r);
    const g = v128.load32_splat(c.positiveGradients + at);
    const s = v128.load32_splat(c.positiveScores + at);
    const scale = v128.load32_splat(c.positiveScales + at);
    for (let d = <usize>fromSlice * SLICE; d < <usize>toSlice * SLICE; d += SLICE) {
      const row = <usize>r * bytes + d;
      const p = c.contexts + row;
      const dp = c.contextGradients + row;
      addGradients(plan, thread, plan.context, event, d, v128.load(dp), v128.load(dp, 16), zero, zero, zero);
      const q0 = v128.load(c.positives + row);
      const q1 = v128.load(c.positives + row, 16);
      let dq0 = f32x4.mul(g, v128.load(p));
      let dq1 = f32x4.mul(g, v128.load(p, 16));
      if (plan.cosine) {
        dq0 = f32x4.mul(f32x4.sub(dq0, f32x4.mul(f32x4.mul(g, s), q0)), scale);
        dq1 = f32x4.mul(f32x4.sub(dq1, f32x4.mul(f32x4.mul(g, s), q1)), scale);
      }
      addGradients(plan, thread, plan.templates, item, d, dq0, dq1, plan.cosine ? zero : g, q0, q1);
    }
  }

  // computes the derivatives by the negatives' vectors, G^T P
  const N = <usize>thread.numShared;
  const numGroups = (numRows + 3) >>> 2;
  for (let n: usize = 0; n < N; n += 4) {
    if (!plan.cosine) addColumns(plan, thread, n, numGroups);
    for (let d = <usize>fromSlice * SLICE; d < <usize>toSlice * SLICE; d += SLICE) {
      memory.fill(thread.tile, 0, 128);
      addTransposed(c.gradients + (n << 4), N << 4, c.contexts + d, bytes, numGroups, thread.tile);
      for (let i: usize = 0; i < 4; i++) {
        const target = c.negativeGradients + (n + i) * bytes + d;
        const row = thread.tile + (i << 5);
        v128.store(target, f32x4.add(v128.load(target), v128.load(row)));
        v128.store(target, f32x4.add(v128.load(target, 16), v128.load(row, 16)), 16);
      }
    }
  }
}

/** For negatives n .. n + 3, adds the sum of dLoss/dscore over the events, in their order. */
function addColumns(plan: Plan, thread: Thread, n: usize, numGroups: u32): void {
  const columns = plan.contrast.columns + (n << 2);
  const N = <usize>thread.numShared;
  let sum = v128.load(thread.columns + (n << 2));
  for (let g: usize = 0; g < numGroups; g++) sum = f32x4.add(sum, v128.load(columns + ((g * N) << 2)));
  v128.store(thread.columns + (n << 2), sum);
}

/** Sets the derivatives by the negatives' vectors to 0 in slices [from, to), and the thread's sums of dLoss/dscore. */
export function zeroNegatives(plan: Plan, thread: Thread, fromSlice: u32, toSlice: u32): void {
  const bytes = rowBytes(plan);
  const own = <usize>(toSlice - fromSlice) * SLICE;
  for (let n: usize = 0; n < thread.numShared; n++) {
    memory.fill(plan.contrast.negativeGradients + n * bytes + <usize>fromSlice * SLICE, 0, own);
  }
  memory.fill(thread.columns, 0, (<usize>thread.numShared) << 2);
}

/** Adds the negatives' gradients to those of their features, after all threads have finished the batch. */
export function addNegatives(plan: Plan, thread: Thread, fromSlice: u32, toSlice: u32): void {
  const c = plan.contrast;
  const bytes = rowBytes(plan);
  const zero = f32x4.splat(0);
  for (let n: usize = 0; n < thread.numShared; n++) {
    const item = load<u32>(thread.shared + (n << 2));
    // for cosines, the inner product of the negative's unit vector with dLoss/d(unit vector), by which the
    // normalization is differentiated; otherwise the sum of dLoss/dscore over all events
    const column = f32x4.splat(
      plan.cosine
        ? dot(c.negativeGradients + n * bytes, c.negatives + n * bytes, bytes)
        : load<f32>(thread.columns + (n << 2)),
    );
    const scale = v128.load32_splat(c.negativeScales + (n << 2));
    for (let d = <usize>fromSlice * SLICE; d < <usize>toSlice * SLICE; d += SLICE) {
      const row = n * bytes + d;
      const q0 = v128.load(c.negatives + row);
      const q1 = v128.load(c.negatives + row, 16);
      let dq0 = v128.load(c.negativeGradients + row);
      let dq1 = v128.load(c.negativeGradients + row, 16);
      if (plan.cosine) {
        dq0 = f32x4.mul(f32x4.sub(dq0, f32x4.mul(column, q0)), scale);
        dq1 = f32x4.mul(f32x4.sub(dq1, f32x4.mul(column, q1)), scale);
      }
      addGradients(plan, thread, plan.templates, item, d, dq0, dq1, plan.cosine ? zero : column, q0, q1);
    }
  }
}

export function addEventWeights(plan: Plan, thread: Thread, events: usize, numRows: u32): void {
  for (let r: u32 = 0; r < numRows; r++) {
    const g = load<f32>(plan.contrast.positiveGradients + ((<usize>r) << 2));
    addWeightGradients(plan, thread, plan.templates, itemOf(plan, events, r), g);
  }
}

/** Called after all threads have finished the batch. */
export function addNegativeWeights(plan: Plan, thread: Thread): void {
  for (let n: usize = 0; n < thread.numShared; n++) {
    const item = load<u32>(thread.shared + (n << 2));
    addWeightGradients(plan, thread, plan.templates, item, load<f32>(thread.columns + (n << 2)));
  }
}
