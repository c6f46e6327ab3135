// Handling of repeated features within a batch: features that a block of rows repeats are marked in its ids
// (../repeats.ts).
//
// All gradients of a batch are computed at its start, so c steps for a feature's c occurrences would overshoot c times:
// AdaGrad would move it by up to 2 sqrt(c) learning rates, and a regression on fields with few keys would diverge. With
// AdaGrad and FTRL, a marked feature therefore takes one step on the sum of its gradients, which is at most one
// learning rate long. For SGD, whose step grows with the gradient, and Adam, the learning rate is divided instead.
//
//   slot   number of a marked feature of the batch, from 1 in the order of first occurrence

import { Plan, Thread } from "./plan";

/**
 * Number of steps per batch that a feature marked as repeated takes at the full learning rate, by SGD and Adam. The
 * logistic loss allows four times as many, since its curvature is at most 1/4.
 */
const STEPS: f32 = 8;
const STEPS_LOGISTIC: f32 = 32;

export class Repeat {
  /** feature id including the bit that marks the feature as repeated; address computations shift the bit out */
  feature: u32;
  /** number of occurrences in the batch, once they have been counted */
  count: u32;
}

export function isMarked(id: u32): bool {
  return <i32>id < 0;
}

export function repeatAt(thread: Thread, slot: u32): Repeat {
  return changetype<Repeat>(thread.repeats + ((<usize>slot) << 3));
}

// a static method, because TypeScript allows decorators, such as AssemblyScript's `@inline`, only in classes
export class Slot {
  /** Returns the slot of a marked feature; at its first occurrence, a new slot whose `bytes` bytes of sums are 0. */
  @inline
  static of(thread: Thread, id: u32, bytes: usize): u32 {
    const known = load<u32>(thread.slots + ((<usize>id) << 2));
    return known ? known : openSlot(thread, id, bytes);
  }
}

function openSlot(thread: Thread, id: u32, bytes: usize): u32 {
  const slot = ++thread.numRepeats;
  store<u32>(thread.slots + ((<usize>id) << 2), slot);
  const repeat = repeatAt(thread, slot);
  repeat.feature = id;
  repeat.count = 0;
  for (let b: usize = 0; b < bytes; b += 4) store<u32>(sumsOf(thread, slot, bytes) + b, 0);
  return slot;
}

export function sumsOf(thread: Thread, slot: u32, bytes: usize): usize {
  return thread.repeatSums + <usize>slot * bytes;
}

export function numPairsOf(thread: Thread): usize {
  return thread.general
    ? <usize>load<u32>(thread.ends + ((<usize>(thread.numRows - 1)) << 2))
    : <usize>thread.numRows * thread.width;
}

export function countRepeats(thread: Thread): void {
  const end = thread.ids + (numPairsOf(thread) << 2);
  for (let pair = thread.ids; pair < end; pair += 4) {
    const id = load<u32>(pair);
    if (isMarked(id)) repeatAt(thread, Slot.of(thread, id, 0)).count++;
  }
}

/** Returns the factor, at most 1, of a feature's learning rate, once countRepeats was called. */
export function shareOf(plan: Plan, thread: Thread, id: u32): f32 {
  if (!isMarked(id)) return 1;
  const slot = load<u32>(thread.slots + ((<usize>id) << 2));
  return min<f32>(1, (plan.squared ? STEPS : STEPS_LOGISTIC) / <f32>repeatAt(thread, slot).count);
}

export function clearRepeats(thread: Thread): void {
  for (let slot: u32 = 1; slot <= thread.numRepeats; slot++) {
    store<u32>(thread.slots + ((<usize>repeatAt(thread, slot).feature) << 2), 0);
  }
  thread.numRepeats = 0;
}
