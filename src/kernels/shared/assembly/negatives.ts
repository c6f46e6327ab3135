// Negatives that a batch shares: their items, and the slots of each item among them.

import { draw } from "./random";

/** Events, and the distribution of their negatives. A kernel extends it with its plan. */
export class NegativeSource {
  /** u32[E]: the event's user, for its history; numbers beyond the last user stand for no user */
  users: usize;
  /** u32[E]: the event's item */
  items: usize;
  numUsers: u32;
  /** I */
  numItems: u32;
  /** u32[numUsers + 1]: user u has items history[historyEnds[u] .. historyEnds[u + 1]), ascending */
  historyEnds: usize;
  history: usize;
  /** u32[I][2]: threshold and other item of the alias method; 0 for the uniform distribution */
  alias: usize;
  /** f32[I]: log probability of each item as a negative; 0 if all are equal, because it then cancels */
  logNoise: usize;
  /** M: number of negatives that a batch samples, a multiple of 8; or of candidates per event */
  numNegatives: u32;
  /** 1: the items of a batch are shared negatives too */
  inBatch: u32;
}

/** The negatives of a batch, at most N. A kernel extends it with a thread's memory; every thread samples its own equal copy. */
export class BatchNegatives {
  /** u32[I]: 1 + slot of the item among the batch's negatives, else 0; u32[N]: 1 + the next slot of the same item */
  slots: usize;
  next: usize;
  /** u32[N], f32[N]: the batch's negatives, and their log probabilities; their number */
  shared: usize;
  negativeNoise: usize;
  numShared: u32;
}

/** Samples an item by the source's noise distribution. Alias method: Walker 1977, doi:10.1145/355744.355749. */
export function drawItem(source: NegativeSource, key: u32, counter: u32): u32 {
  // the upper half is uniform in 0 .. I-1, the lower half in [0, 2^32)
  const x = <u64>draw(key, counter) * source.numItems;
  const item = <u32>(x >>> 32);
  if (!source.alias) return item;
  const entry = source.alias + ((<usize>item) << 3);
  return <u32>x <= load<u32>(entry) ? item : load<u32>(entry, 4);
}

/** Returns an item's log probability as a negative; 0 when uniform, because it then cancels. */
export function logNoise(source: NegativeSource, item: u32): f32 {
  return source.logNoise ? load<f32>(source.logNoise + ((<usize>item) << 2)) : 0;
}

/** Returns the item of event r of a batch. @param events u32: the batch's */
export function itemOf(source: NegativeSource, events: usize, r: u32): u32 {
  return load<u32>(source.items + ((<usize>load<u32>(events + ((<usize>r) << 2))) << 2));
}

/**
 * Samples the batch's negatives, adds its own items, and records the slots of each item.
 *
 * Their number is a multiple of 8: up to 7 items of a last batch are left out.
 */
export function drawShared(
  source: NegativeSource,
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

/** Clears the slots. */
export function clearShared(negatives: BatchNegatives): void {
  for (let n: usize = 0; n < negatives.numShared; n++) {
    store<u32>(negatives.slots + ((<usize>load<u32>(negatives.shared + (n << 2))) << 2), 0);
  }
}

/**
 * Replaces the scores of negatives that are the event's own item, or that its user has, by `value`.
 *
 * @param i the event's lane in f32[N][4] of scores
 */
export function exclude(
  source: NegativeSource,
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
