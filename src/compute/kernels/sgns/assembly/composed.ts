// Composed centres: a centre's vector is a weighted mean of rows that it shares with others. EGES composes an item of
// its own vector and one for each kind of side information. If a kind has several rows, such as a film's genres, their
// mean is used.
//
//   part p          a row W_p of kind k with the weight m_p; the sum of m_p over the kind's rows is 1
//   share_p         m_p exp(a_k) / sum over kinds of exp(a); a is the centre's attention, 0 unless it is learned
//   h               sum over parts of share_p W_p
//   D               sum of g z over the centre's contexts, g minus dLoss/dscore: stored in centreSums, as for centres
//                   that are not composed
//   dW_p += share_p D                                    da_k = sum over the kind's parts of share_p D . (W_p - h)
//
// The distinct centres of a batch are composed once per slice. D . (W_p - h) is a sum over slices, so attention needs a
// second barrier. Every thread has its own copy of the attention and takes the same steps, so that no third barrier is
// needed.
//
// Source: Wang et al. 2018 (arXiv:1803.02349), equations 6 to 12.

import { exp4 } from "../../shared/assembly/exp";
import { addTo, sum4 } from "../../shared/assembly/vector";
import { number } from "./batch";
import { BatchRows, LINE, Plan, R, Thread } from "./plan";

function at(array: usize, i: usize): u32 {
  return load<u32>(array + (i << 2));
}

/** Returns the address of slice j of the composed vectors, f32[1 + R][16], by slot. */
export function composedAt(plan: Plan, j: u32): usize {
  return plan.composed + <usize>(j * (R + 1)) * LINE;
}

/** Lists the parts of the batch's centres, and assigns slots to their rows. */
export function openParts(plan: Plan, thread: Thread, rows: BatchRows): void {
  let count: u32 = 0;
  let slots: u32 = 0;
  for (let slot: usize = 1; slot <= rows.numCentreSlots; slot++) {
    const row = at(rows.centreRows, slot);
    const end = at(plan.partEnds, row + 1);
    for (let i = at(plan.partEnds, row); i < end; i++, count++) {
      const target = rows.partSlots + ((<usize>count) << 2);
      slots = number(plan, at(plan.partRows, i), thread.partSlotOf, rows.partRows, slots, target);
    }
    store<u32>(rows.partEnds + (slot << 2), count);
  }
  rows.numPartSlots = slots;
}

/** Computes the shares of all parts of the batch. */
export function shareParts(plan: Plan, thread: Thread, rows: BatchRows): void {
  let target = thread.partShares;
  for (let slot: usize = 1; slot <= rows.numCentreSlots; slot++) {
    const row = at(rows.centreRows, slot);
    const first = at(plan.partEnds, row);
    const parts = at(plan.partEnds, row + 1) - first;
    share(plan, thread, first, parts, target);
    target += (<usize>parts) << 2;
  }
}

/** Returns the address of the logit of a part's kind. */
function attentionAt(plan: Plan, thread: Thread, part: usize): usize {
  return thread.attention + ((<usize>at(plan.partKinds, part)) << 2);
}

/** Writes the shares of one centre's parts to `target`. */
function share(plan: Plan, thread: Thread, first: usize, parts: usize, target: usize): void {
  let most = load<f32>(attentionAt(plan, thread, first));
  for (let i: usize = 1; i < parts; i++) most = max(most, load<f32>(attentionAt(plan, thread, first + i)));
  let sum: f32 = 0;
  for (let i: usize = 0; i < parts; i++) {
    const above = load<f32>(attentionAt(plan, thread, first + i)) - most;
    const weight = load<f32>(plan.partWeights + ((first + i) << 2));
    const e = weight * f32x4.extract_lane(exp4(f32x4.splat(above)), 0);
    store<f32>(target + (i << 2), e);
    sum += e;
  }
  for (let i: usize = 0; i < parts; i++) {
    const e = target + (i << 2);
    store<f32>(e, load<f32>(e) / sum);
  }
}

export function composeSlice(plan: Plan, thread: Thread, rows: BatchRows, j: u32): void {
  const matrix = plan.centres + <usize>j * plan.numRows * LINE;
  let target = composedAt(plan, j);
  let p: usize = 0;
  for (let slot: usize = 1; slot <= rows.numCentreSlots; slot++) {
    target += LINE;
    let h0 = f32x4.splat(0);
    let h1 = h0;
    let h2 = h0;
    let h3 = h0;
    const end = <usize>at(rows.partEnds, slot);
    for (; p < end; p++) {
      const w = matrix + <usize>at(rows.partRows, at(rows.partSlots, p)) * LINE;
      const share = v128.load32_splat(thread.partShares + (p << 2));
      h0 = f32x4.add(h0, f32x4.mul(share, v128.load(w)));
      h1 = f32x4.add(h1, f32x4.mul(share, v128.load(w, 16)));
      h2 = f32x4.add(h2, f32x4.mul(share, v128.load(w, 32)));
      h3 = f32x4.add(h3, f32x4.mul(share, v128.load(w, 48)));
    }
    v128.store(target, h0);
    v128.store(target, h1, 16);
    v128.store(target, h2, 32);
    v128.store(target, h3, 48);
  }
}

/**
 * Adds D in slice j to the sums of the parts, and writes the slice's contribution to the gradients of the attention.
 */
export function sumParts(plan: Plan, thread: Thread, rows: BatchRows, j: u32): void {
  const matrix = plan.centres + <usize>j * plan.numRows * LINE;
  const partials = plan.attentionPartials + ((<usize>(j * plan.mostParts)) << 2);
  memory.fill(thread.partSums, 0, <usize>(rows.numPartSlots + 1) * LINE);
  let h = composedAt(plan, j);
  let sum = thread.centreSums;
  let p: usize = 0;
  for (let slot: usize = 1; slot <= rows.numCentreSlots; slot++) {
    h += LINE;
    sum += LINE;
    const d0 = v128.load(sum);
    const d1 = v128.load(sum, 16);
    const d2 = v128.load(sum, 32);
    const d3 = v128.load(sum, 48);
    const end = <usize>at(rows.partEnds, slot);
    for (; p < end; p++) {
      const part = <usize>at(rows.partSlots, p);
      const share = v128.load32_splat(thread.partShares + (p << 2));
      const target = thread.partSums + part * LINE;
      addTo(target, f32x4.mul(share, d0));
      addTo(target + 16, f32x4.mul(share, d1));
      addTo(target + 32, f32x4.mul(share, d2));
      addTo(target + 48, f32x4.mul(share, d3));
      if (!plan.attends) continue;
      const w = matrix + <usize>at(rows.partRows, part) * LINE;
      let dot = f32x4.mul(d0, f32x4.sub(v128.load(w), v128.load(h)));
      dot = f32x4.add(dot, f32x4.mul(d1, f32x4.sub(v128.load(w, 16), v128.load(h, 16))));
      dot = f32x4.add(dot, f32x4.mul(d2, f32x4.sub(v128.load(w, 32), v128.load(h, 32))));
      dot = f32x4.add(dot, f32x4.mul(d3, f32x4.sub(v128.load(w, 48), v128.load(h, 48))));
      store<f32>(partials + (p << 2), sum4(f32x4.mul(share, dot)));
    }
  }
}

/**
 * Takes an AdaGrad step of this thread's attention, with one sum per centre: a += mean of the squared gradients;
 * attention += lr gradient / sqrt(a).
 */
export function moveAttention(plan: Plan, thread: Thread, rows: BatchRows, lr: f32): void {
  let p: usize = 0;
  for (let slot: usize = 1; slot <= rows.numCentreSlots; slot++) {
    const row = <usize>at(rows.centreRows, slot);
    const first = <usize>at(plan.partEnds, row);
    const parts = <usize>at(plan.partEnds, row + 1) - first;
    // the gradient of each kind's logit overwrites the share of its first part, which this batch does not read again
    let kinds: u32 = 0;
    let squares: f32 = 0;
    for (let i: usize = 0; i < parts;) {
      const kind = at(plan.partKinds, first + i);
      const target = thread.partShares + ((p + i) << 2);
      let gradient: f32 = 0;
      for (; i < parts && at(plan.partKinds, first + i) == kind; i++) gradient += partGradient(plan, p + i);
      store<f32>(target, gradient);
      squares += gradient * gradient;
      kinds++;
    }
    const sum = thread.attentionSquares + (row << 2);
    const a = load<f32>(sum) + squares / <f32>kinds;
    store<f32>(sum, a);
    const rate = lr / sqrt<f32>(a);
    for (let i: usize = 0; i < parts; i++) {
      if (i > 0 && at(plan.partKinds, first + i) == at(plan.partKinds, first + i - 1)) continue;
      const target = attentionAt(plan, thread, first + i);
      store<f32>(target, load<f32>(target) + rate * load<f32>(thread.partShares + ((p + i) << 2)));
    }
    p += parts;
  }
}

/** Returns part p's contribution to da: the sum over slices, in their order. */
function partGradient(plan: Plan, p: usize): f32 {
  let from = plan.attentionPartials + (p << 2);
  let sum: f32 = 0;
  for (let j: u32 = 0; j < plan.numSlices; j++, from += (<usize>plan.mostParts) << 2) sum += load<f32>(from);
  return sum;
}
