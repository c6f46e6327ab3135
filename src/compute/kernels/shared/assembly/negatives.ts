// Negatives that all events of a batch share: the negative items, and for each item its positions among them.

import { draw } from "./random";

/** Kernels extend it with their plan. */
export class NegativeDraws {
  /** u32[E]: user of each event; a number beyond the last user means that there is no user */
  users: usize;
  /** u32[E]: item of each event */
  items: usize;
  numUsers: u32;
  /** I: number of items */
  numItems: u32;
  /** u32[numUsers + 1]: user u has items history[historyEnds[u] .. historyEnds[u + 1]), ascending */
  historyEnds: usize;
  history: usize;
  /** u32[I][2]: alias table of the noise distribution (threshold, alternative item); 0 for the uniform distribution */
  alias: usize;
  /** f32[I]: log probability of each item as a negative; 0 if all are equal, because the term then cancels */
  logNoise: usize;
  /** M: negatives sampled per batch, a multiple of 8; for losses over pairs, candidates per event */
  numNegatives: u32;
  /** 1 if the items of a batch's events are shared negatives too */
  inBatch: u32;
}

/** Negatives of a batch, at most N. Kernels extend it with a thread's buffers; every thread samples an equal copy. */
export class BatchNegatives {
  /**
   * the positions of an item among the negatives, as a linked list. u32[I]: 1 + first position of each item, or 0;
   * u32[N]: 1 + next position with the same item, or 0
   */
  slots: usize;
  next: usize;
  /** u32[N]: items; f32[N]: log probability of each; and their number */
  shared: usize;
  negativeNoise: usize;
  numShared: u32;
}

/** Samples an item from the noise distribution. Alias method: Walker 1977, doi:10.1145/355744.355749. */
export function drawItem(source: NegativeDraws, key: u32, counter: u32): u32 {
  // the product's upper 32 bits are uniform in 0 .. I-1, its lower 32 bits in [0, 2^32)
  const x = <u64>draw(key, counter) * source.numItems;
  const item = <u32>(x >>> 32);
  if (!source.alias) return item;
  const entry = source.alias + ((<usize>item) << 3);
  return <u32>x <= load<u32>(entry) ? item : load<u32>(entry, 4);
}

export function logNoise(source: NegativeDraws, item: u32): f32 {
  return source.logNoise ? load<f32>(source.logNoise + ((<usize>item) << 2)) : 0;
}

/** Returns the item of event r of a batch. @param events u32: events of the batch */
export function itemOf(source: NegativeDraws, events: usize, r: u32): u32 {
  return load<u32>(source.items + ((<usize>load<u32>(events + ((<usize>r) << 2))) << 2));
}

/**
 * Samples the batch's negatives, appends the items of its events, and records the positions of each item. The number of
 * negatives is a multiple of 8: up to 7 items of a last batch are omitted.
 */
export function drawShared(
  source: NegativeDraws,
  negatives: BatchNegatives,
  batchKey: u32,
  events: usize,
  size: u32,
): void {
  const M = source.numNegatives;
  negatives.numShared = M + (source.inBatch ? size & ~7 : 0);
  for (let n: u32 = 0; n < negatives.numShared; n++) {
    const at = (<usize>n) << 2;
    const item = n < M ? drawItem(source, batchKey, n) : itemOf(source, events, n - M);
    store<u32>(negatives.shared + at, item);
    if (source.logNoise) store<f32>(negatives.negativeNoise + at, logNoise(source, item));
    const slot = negatives.slots + ((<usize>item) << 2);
    store<u32>(negatives.next + at, load<u32>(slot));
    store<u32>(slot, n + 1);
  }
}

export function clearShared(negatives: BatchNegatives): void {
  for (let n: usize = 0; n < negatives.numShared; n++) {
    store<u32>(negatives.slots + ((<usize>load<u32>(negatives.shared + (n << 2))) << 2), 0);
  }
}

/**
 * Sets the scores of negatives that are the event's own item, or in its user's history, to `value`.
 *
 * @param i lane of the event in f32[N][4], the scores of N negatives for four events
 */
export function exclude(
  source: NegativeDraws,
  negatives: BatchNegatives,
  event: u32,
  i: usize,
  scores: usize,
  value: f32,
): void {
  excludeItem(negatives, load<u32>(source.items + ((<usize>event) << 2)), i, scores, value);
  const user = load<u32>(source.users + ((<usize>event) << 2));
  if (user >= source.numUsers) return;
  const ends = source.historyEnds + ((<usize>user) << 2);
  const end = load<u32>(ends, 4);
  for (let h = load<u32>(ends); h < end; h++) {
    excludeItem(negatives, load<u32>(source.history + ((<usize>h) << 2)), i, scores, value);
  }
}

function excludeItem(negatives: BatchNegatives, item: u32, i: usize, scores: usize, value: f32): void {
  let slot = load<u32>(negatives.slots + ((<usize>item) << 2));
  while (slot) {
    store<f32>(scores + ((<usize>(slot - 1)) << 4) + (i << 2), value);
    slot = load<u32>(negatives.next + ((<usize>(slot - 1)) << 2));
  }
}
