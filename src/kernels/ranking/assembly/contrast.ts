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

import { exclude, logNoise } from "../../shared/assembly/negatives";
import { sampledSoftmax4 } from "../../shared/assembly/sampled-softmax";
import { addProducts, writeColumns } from "../../shared/assembly/tile";
import { dot } from "../../shared/assembly/vector";
import { K, Plan, SAMPLED_SOFTMAX, SLICE, Thread } from "./plan";
import { compose, offsetOf } from "./shared";
import { rowBytes } from "./vectors";

/**
 * Computes the scores and losses of the events b .. b + 3 of the batch, and the gradients by scores and contexts;
 * events beyond numRows are treated as zeros.
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

function weightOfEvent(plan: Plan, thread: Thread, event: u32): f32 {
  const weight: f32 = plan.eventWeights ? load<f32>(plan.eventWeights + ((<usize>event) << 2)) : 1;
  if (!plan.averages) return weight;
  const user = load<u32>(plan.users + ((<usize>event) << 2));
  return user < plan.numUsers ? weight / <f32>load<u32>(thread.eventsOf + ((<usize>user) << 2)) : weight;
}

/** Stores a number of the i-th of four events, such as its score, in lane i of `thread.tile`. */
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
    setLane(thread, i + 4, weightOfEvent(plan, thread, event));
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
    setLane(thread, i, weightOfEvent(plan, thread, event));
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

/**
 * Computes the derivatives of the loss by the context vectors of four events: sums up the vectors of the negatives and
 * of each event's own item, weighted by dLoss/dscore, then differentiates the normalization.
 */
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
