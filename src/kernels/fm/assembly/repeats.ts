// The features that a block of rows repeats, which are marked in its ids (../repeats.ts), within one batch.
//
// All gradients of a batch are taken at its start, so a step for each of a feature's c occurrences goes c times too far: AdaGrad
// then moves it by up to 2 sqrt(c) learning rates, and a regression on fields of few keys diverges. A marked feature therefore
// takes, by AdaGrad and FTRL, one step on the sum of its gradients, which is at most one learning rate long. SGD and Adam, which
// a greater gradient or more steps take further, have their learning rate divided instead.
//
//   slot   number of a marked feature of the batch, from 1 in the order of first occurrence

import { Plan, Thread } from "./plan";

/** Steps at the full learning rate that SGD and Adam may take in a batch; the logistic loss bends a quarter as much. */
const STEPS: f32 = 8;
const STEPS_LOGISTIC: f32 = 32;

/** A marked feature of the batch. */
export class Repeat {
  /** with its mark, which is lost in each product with the bytes of a feature */
  feature: u32;
  /** occurrences in the batch, once they are counted */
  count: u32;
}

/** Whether an id is marked. */
export function isMarked(id: u32): bool {
  return <i32>id < 0;
}

/** The repeat in a slot. */
export function repeatAt(thread: Thread, slot: u32): Repeat {
  return changetype<Repeat>(thread.repeats + ((<usize>slot) << 3));
}

/** A class only because decorators are for methods. */
export class Slot {
  /** The slot of a marked feature; at its first occurrence a new one, whose sums of `bytes` are 0. */
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

/** Where the sums of a slot lie. */
export function sumsOf(thread: Thread, slot: u32, bytes: usize): usize {
  return thread.repeatSums + <usize>slot * bytes;
}

/** Pairs of the opened batch. */
export function numPairsOf(thread: Thread): usize {
  return thread.general
    ? <usize>load<u32>(thread.ends + ((<usize>(thread.numRows - 1)) << 2))
    : <usize>thread.numRows * thread.width;
}

/** Counts the marked features of the opened batch. */
export function countRepeats(thread: Thread): void {
  const end = thread.ids + (numPairsOf(thread) << 2);
  for (let pair = thread.ids; pair < end; pair += 4) {
    const id = load<u32>(pair);
    if (isMarked(id)) repeatAt(thread, Slot.of(thread, id, 0)).count++;
  }
}

/** What the learning rate of a feature is multiplied by, once the batch is counted: at most 1. */
export function shareOf(plan: Plan, thread: Thread, id: u32): f32 {
  if (!isMarked(id)) return 1;
  const slot = load<u32>(thread.slots + ((<usize>id) << 2));
  return min<f32>(1, (plan.squared ? STEPS : STEPS_LOGISTIC) / <f32>repeatAt(thread, slot).count);
}

/** Forgets the repeats. */
export function clearRepeats(thread: Thread): void {
  for (let slot: u32 = 1; slot <= thread.numRepeats; slot++) {
    store<u32>(thread.slots + ((<usize>repeatAt(thread, slot).feature) << 2), 0);
  }
  thread.numRepeats = 0;
}
