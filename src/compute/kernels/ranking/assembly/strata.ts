// Divides events, each of one user and one item, into blocks without common rows, so that threads can train on them in
// parallel.
//
//   P      number of groups of features, a power of two that depends on the data; each epoch assigns features to groups
//          anew
//   block  (a, b): the events whose user is in group a and whose item is in group b; their negatives are of group b too
//   round  r of P: the blocks (a, (a + r) mod P), which share no row
//
// Any thread may take any block of a round, and the barrier behind a round is the only one, so the bytes are the same
// at any number of threads. A thread takes the blocks of its own user groups first, because their rows are still in its
// cache from the last round. Groups change with each epoch, so that any two items are in the same group in some epochs.
// Source: Gemulla et al. 2011 (DSGD, doi:10.1145/2020408.2020426). Twin: ../strata.reference.ts.

import { barrier } from "../../shared/assembly/barrier";
import { draw, permute, permutedAt } from "../../shared/assembly/random";
import { featureAt } from "../../shared/assembly/rows";
import { B, Plan, Thread } from "./plan";
import { EVENT, trainEvents } from "./strata-steps";

/** Counters of the draws of an epoch's order of rounds, groups of features, and order of events. */
const ROUNDS: u32 = 0xfffffffe;
const GROUPS: u32 = 0xfffffffd;
const ORDER: u32 = 0xfffffffc;
/** Maximum number of consecutive events that are trained one after another, a run. */
const LONGEST_RUN: u32 = 256;
/** Bytes of a cache line, which contains counters of several threads. */
const LINE: usize = 64;

/**
 * Runs of 2^4 consecutive features stay in one group. A processor prefetches the lines near those that it reads, which
 * would be in another thread's cache if neighboring features were in different groups. With runs of one feature, two
 * threads took twice the processor time.
 */
const RUN_BITS: u32 = 4;

/**
 * Returns the group of a feature. An affine map with an odd factor assigns each P consecutive runs, whose features are
 * about equally frequent, to P different groups.
 */
function groupOf(groups: u32, key: u32, feature: u32): u32 {
  const run = feature >>> RUN_BITS;
  const h = draw(key, run >>> ctz(groups));
  return (run * (h | 1) + (h >>> 16)) & (groups - 1);
}

/** Returns the length of a run; 1 in small logs. */
function runLength(numEvents: u32): u32 {
  return max<u32>(1, min(LONGEST_RUN, numEvents >>> 10));
}

/**
 * Sorts the events by block for an epoch, and lists the items of each group; every thread calls it before the epoch's
 * first round.
 *
 * Runs of events are put into a random order. The sort is stable, so the result does not depend on the number of
 * threads.
 *
 * @param epochKey key of the groups, the orders and the negatives
 * @param shuffles false: the runs stay in order
 * @returns false when the pool is stopping
 */
export function sortEvents(
  plan: Plan,
  thread: Thread,
  index: u32,
  numEvents: u32,
  epochKey: u32,
  shuffles: bool,
): bool {
  const s = plan.strata;
  const P = s.groups;
  const T = plan.numThreads;
  const key = draw(epochKey, GROUPS);
  const length = runLength(numEvents);
  const numRuns = (numEvents + length - 1) / length;
  const from = <u32>((<u64>index * numRuns) / T);
  const to = <u32>((<u64>(index + 1) * numRuns) / T);
  const order = draw(epochKey, ORDER);
  const counts = s.counts + ((<usize>index * P * P) << 2);
  memory.fill(counts, 0, (<usize>(P * P)) << 2);
  for (let run = from; run < to; run++) {
    const first = (shuffles ? permutedAt(run, numRuns, order) : run) * length;
    const end = min(first + length, numEvents);
    for (let event = first; event < end; event++) {
      const block = blockOf(plan, key, event);
      store<u16>(s.blocks + ((<usize>event) << 1), <u16>block);
      const at = counts + ((<usize>block) << 2);
      store<u32>(at, load<u32>(at) + 1);
    }
  }
  if (index == 0) {
    memory.fill(s.taken, 0, <usize>P * takenBytes(T));
    permute(s.rounds, P, draw(epochKey, ROUNDS));
    listItems(plan, key);
  }
  if (!barrier(plan.barrier, T)) return false;

  // computes the first position of each thread's events in each block
  let place: u32 = 0;
  for (let block: usize = 0; block < P * P; block++) {
    if (index == 0) store<u32>(s.ends + (block << 2), place);
    for (let t: usize = 0; t < T; t++) {
      if (t == index) store<u32>(thread.places + (block << 2), place);
      place += load<u32>(s.counts + ((t * P * P + block) << 2));
    }
  }
  if (index == 0) store<u32>(s.ends + ((<usize>(P * P)) << 2), place);
  for (let run = from; run < to; run++) {
    const first = (shuffles ? permutedAt(run, numRuns, order) : run) * length;
    const end = min(first + length, numEvents);
    for (let event = first; event < end; event++) placeEvent(plan, thread, event);
  }
  return barrier(plan.barrier, T);
}

function placeEvent(plan: Plan, thread: Thread, event: u32): void {
  const block = <usize>load<u16>(plan.strata.blocks + ((<usize>event) << 1));
  const next = thread.places + (block << 2);
  const place = load<u32>(next);
  store<u32>(next, place + 1);
  const target = plan.strata.events + <usize>place * EVENT;
  store<u32>(target, event);
  store<u32>(target, featureAt(plan.context, event), 4);
  store<u32>(target, load<u32>(plan.users + ((<usize>event) << 2)), 8);
  store<u32>(target, load<u32>(plan.items + ((<usize>event) << 2)), 12);
}

function blockOf(plan: Plan, key: u32, event: u32): u32 {
  const P = plan.strata.groups;
  const item = load<u32>(plan.items + ((<usize>event) << 2));
  const a = groupOf(P, key, featureAt(plan.context, event));
  return a * P + groupOf(P, key, featureAt(plan.templates, item));
}

/** Lists the items by group, ascending, with the cumulative sums of their probabilities. */
function listItems(plan: Plan, key: u32): void {
  const s = plan.strata;
  const P = s.groups;
  const ends = s.itemEnds;
  memory.fill(ends, 0, (<usize>(P + 1)) << 2);
  for (let item: u32 = 0; item < plan.numItems; item++) {
    const at = ends + ((<usize>groupOf(P, key, featureAt(plan.templates, item)) + 1) << 2);
    store<u32>(at, load<u32>(at) + 1);
  }
  for (let g: usize = 0; g < P; g++) {
    const at = ends + (g << 2);
    store<u32>(at, load<u32>(at) + load<u32>(at, 4), 4);
  }
  // placing an item advances the entry of its group to the group's end
  for (let item: u32 = 0; item < plan.numItems; item++) {
    const g = groupOf(P, key, featureAt(plan.templates, item));
    const end = ends + ((<usize>g) << 2);
    const place = load<u32>(end);
    store<u32>(end, place + 1);
    store<u32>(s.groupItems + ((<usize>place) << 2), item);
  }
  // restores the start of each group from the end of the group before
  for (let g: usize = P; g > 0; g--) store<u32>(ends + (g << 2), load<u32>(ends + ((g - 1) << 2)));
  store<u32>(ends, 0);
  if (!s.chances) return;
  for (let g: usize = 0; g < P; g++) {
    let sum: u32 = 0;
    const end = load<u32>(ends + (g << 2), 4);
    for (let place = load<u32>(ends + (g << 2)); place < end; place++) {
      const item = load<u32>(s.groupItems + ((<usize>place) << 2));
      sum += load<u32>(s.chances + ((<usize>item) << 2));
      store<u32>(s.sums + ((<usize>place) << 2), sum);
    }
  }
}

/** Returns the bytes of a round's counters: one u32 per thread, padded to whole cache lines. */
function takenBytes(numThreads: u32): usize {
  return (((<usize>numThreads) << 2) + LINE - 1) & ~(LINE - 1);
}

/** Takes a user group whose block is left in this round: of this thread first, then of others. Returns P if none is. */
function takeGroup(plan: Plan, index: u32, round: u32): u32 {
  const s = plan.strata;
  const P = s.groups;
  const T = plan.numThreads;
  const taken = s.taken + <usize>round * takenBytes(T);
  for (let t: u32 = 0; t < T; t++) {
    const owner = (index + t) % T;
    const from = (owner * P) / T;
    const to = ((owner + 1) * P) / T;
    const a = from + atomic.add<u32>(taken + ((<usize>owner) << 2), 1);
    if (a < to) return a;
  }
  return P;
}

/**
 * Trains on a block of a round that no thread has taken yet; threads call it until no block is left, and then call
 * `endRound`.
 *
 * @returns false if no block was left
 */
export function trainBlock(plan: Plan, thread: Thread, index: u32, round: u32, epochKey: u32): bool {
  const s = plan.strata;
  const P = s.groups;
  const a = takeGroup(plan, index, round);
  if (a == P) return false;
  const b = (a + load<u32>(s.rounds + ((<usize>round) << 2))) & (P - 1);
  const block = a * P + b;
  const end = load<u32>(s.ends + ((<usize>block) << 2), 4);
  let loss: f64 = 0;
  for (let from = load<u32>(s.ends + ((<usize>block) << 2)); from < end; from += B) {
    loss += trainEvents(plan, thread, from, min(B, end - from), b, epochKey);
  }
  store<f64>(s.losses + ((<usize>block) << 3), loss);
  return true;
}

/** @returns false when the pool is stopping */
export function endRound(plan: Plan): bool {
  return barrier(plan.barrier, plan.numThreads);
}
