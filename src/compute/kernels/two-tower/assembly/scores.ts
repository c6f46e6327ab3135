// Losses of events against the shared negatives of their batch, and the derivatives by users and items.
//
//   s_bn  score of negative n for event b: <user, item> + bias, or the cosine            g_bn  dLoss/ds_bn
//   l_b = rho log(exp(z_b+) + sum_n exp(z_bn)) - z_b+,  z = s / temperature - log probability(item)
//         if scores are cosines, the sum does not contain z_b+
//
// Source: ../../shared/assembly/sampled-softmax.ts.

import { BLOCK } from "../../shared/assembly/dense/layers";
import { exclude, itemOf, logNoise } from "../../shared/assembly/negatives";
import { sampledSoftmax4 } from "../../shared/assembly/sampled-softmax";
import { addProducts, addTransposed, writeColumns } from "../../shared/assembly/tile";
import { addTo, dot } from "../../shared/assembly/vector";
import { throughLength } from "./items";
import { Plan, SLICE, Thread } from "./plan";
import { rowBytes } from "./users";

/**
 * Computes scores, losses and derivatives by users of four events.
 *
 * @param events u32: events of this part of the batch, PART or fewer
 * @param r      index of the first of the four events in the part, which has numEvents
 * @param place  position of the part's first event in the batch
 */
export function scoreFour(
  plan: Plan,
  thread: Thread,
  events: usize,
  r: u32,
  numEvents: u32,
  place: u32,
): void {
  const b = plan.batch;
  const bytes = rowBytes(plan);
  const N = <usize>thread.numShared;
  const count = min<u32>(4, numEvents - r);
  const users = b.users + <usize>r * bytes;
  for (let i: usize = 0; i < 4; i++) {
    for (let d: usize = 0; d < bytes >>> 2; d++) {
      store<f32>(thread.packed + (d << 4) + (i << 2), load<f32>(users + i * bytes + (d << 2)));
    }
  }
  const scores = b.scores + ((<usize>r * N) << 2);
  for (let n: usize = 0; n < N; n += 8) {
    writeColumns(
      thread.packed,
      b.panels + n * bytes,
      plan.numSlices << 3,
      b.offsets + (n << 2),
      scores + (n << 4),
    );
  }

  // the own items' scores, their log probabilities as negatives, and the events' weights
  memory.fill(thread.tile, 0, 48);
  for (let i: u32 = 0; i < count; i++) {
    const lane = thread.tile + ((<usize>i) << 2);
    const event = load<u32>(events + ((<usize>(r + i)) << 2));
    const c = <usize>(plan.numNegatives + place + r + i);
    exclude(plan, thread, event, i, scores, -Infinity);
    const own = dot(users + <usize>i * bytes, b.items + c * bytes, bytes) + load<f32>(b.offsets + (c << 2));
    store<f32>(lane, own);
    store<f32>(lane, logNoise(plan, itemOf(plan, events, r + i)), 16);
    store<f32>(lane, plan.eventWeights ? load<f32>(plan.eventWeights + ((<usize>event) << 2)) : 1, 32);
  }
  const at = (<usize>r) << 2;
  sampledSoftmax4(
    scores,
    plan.logNoise ? thread.negativeNoise : 0,
    N,
    v128.load(thread.tile),
    v128.load(thread.tile, 16),
    v128.load(thread.tile, 32),
    plan.temperature,
    plan.negativeWeight,
    plan.cosine != 0,
    b.losses + at,
    b.ownGradients + at,
    plan.cosine ? 0 : b.columns + ((<usize>(r >>> 2) * N) << 2),
  );

  // computes the derivatives by the users, G times the items, and by the vectors of the events' own items
  const gradients = b.userGradients + <usize>(place + r) * bytes;
  for (let d: usize = 0; d < bytes; d += SLICE) {
    memory.fill(thread.tile, 0, 128);
    addProducts(scores, 16, b.items + d, bytes, <u32>N, thread.tile);
    for (let i: usize = 0; i < 4; i++) memory.copy(gradients + i * bytes + d, thread.tile + (i << 5), SLICE);
  }
  for (let i: u32 = 0; i < count; i++) {
    const c = <usize>(plan.numNegatives + place + r + i);
    const own = load<f32>(b.ownGradients + at + ((<usize>i) << 2));
    const g = f32x4.splat(own);
    const user = users + <usize>i * bytes;
    const gradient = gradients + <usize>i * bytes;
    for (let k: usize = 0; k < bytes; k += 16) {
      addTo(gradient + k, f32x4.mul(g, v128.load(b.items + c * bytes + k)));
      addTo(b.itemGradients + c * bytes + k, f32x4.mul(g, v128.load(user + k)));
    }
    if (plan.cosine) throughLength(gradient, user, load<f32>(b.userScales + at + ((<usize>i) << 2)), bytes);
    else store<f32>(b.offsetGradients + (c << 2), load<f32>(b.offsetGradients + (c << 2)) + own);
  }
}

/**
 * Adds the contribution of some events to the derivatives by negatives from .. to, multiples of 8. The halves of a part
 * have separate sums.
 *
 * @param half half of the part that contains the events, 0 or 1
 * @param fromEvent,toEvent range of events in the part; fromEvent is a multiple of 4
 */
export function addToNegatives(
  plan: Plan,
  thread: Thread,
  half: u32,
  from: u32,
  to: u32,
  fromEvent: u32,
  toEvent: u32,
): void {
  const b = plan.batch;
  const bytes = rowBytes(plan);
  const N = <usize>thread.numShared;
  const firstGroup = fromEvent >>> 2;
  const endGroup = (toEvent + 3) >>> 2;
  const sums = b.itemGradients + <usize>(half * b.numRoom) * bytes;
  const offsets = b.offsetGradients + ((<usize>(half * b.numRoom)) << 2);
  const users = b.users + <usize>fromEvent * bytes;
  for (let n = <usize>from; n < to; n += 4) {
    if (!plan.cosine) {
      let sum = v128.load(offsets + (n << 2));
      for (let g = firstGroup; g < endGroup; g++)
        sum = f32x4.add(sum, v128.load(b.columns + ((<usize>g * N + n) << 2)));
      v128.store(offsets + (n << 2), sum);
    }
    const scores = b.scores + ((<usize>firstGroup * N + n) << 4);
    for (let d: usize = 0; d < bytes; d += SLICE) {
      memory.fill(thread.tile, 0, 128);
      addTransposed(scores, N << 4, users + d, bytes, endGroup - firstGroup, thread.tile);
      for (let i: usize = 0; i < 4; i++) {
        const target = sums + (n + i) * bytes + d;
        addTo(target, v128.load(thread.tile + (i << 5)));
        addTo(target + 16, v128.load(thread.tile + (i << 5), 16));
      }
    }
  }
}
