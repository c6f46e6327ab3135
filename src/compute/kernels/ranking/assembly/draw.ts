// Samples negatives by a hash of (epoch, event, number); items with which the user has events are never sampled.

import { drawItem } from "../../shared/assembly/negatives";
import { draw } from "../../shared/assembly/random";
import { Plan } from "./plan";

export const USER_FACTOR: u32 = 0x9e3779b1;
export const ITEM_FACTOR: u32 = 0x85ebca6b;
export const MIXED_FACTOR: u32 = 0xc2b2ae35;
/** Attempts to sample an item that the user lacks; after them, the next such item is used. */
export const MAX_TRIES: u32 = 64;

/** Returns a hash whose upper bits are the bit number in the Bloom filter. Twin: `membershipsOf` in ../binding.ts. */
function membershipBit(user: u32, item: u32): u32 {
  const h = user * USER_FACTOR + item * ITEM_FACTOR;
  return (h ^ (h >>> 15)) * MIXED_FACTOR;
}

/** Counter of the draw of an event's rank; those of candidates are lower. */
const RANK: u32 = 0xffffffff;

/** Samples the rank of an event's negative, uniform in fromRank .. toRank. */
export function drawRank(plan: Plan, epochKey: u32, event: u32): u32 {
  const span = plan.toRank - plan.fromRank + 1;
  return plan.fromRank + <u32>((<u64>draw(draw(epochKey, event), RANK) * span) >>> 32);
}

/** Users beyond the last have no items. */
export function hasItem(plan: Plan, user: u32, item: u32): bool {
  if (user >= plan.numUsers) return false;
  // the Bloom filter excludes most items with one read, while each step of the search would wait for memory
  const bit = membershipBit(user, item) >>> plan.membershipShift;
  const word = load<u32>(plan.memberships + ((<usize>(bit >>> 5)) << 2));
  if (!((word >>> (bit & 31)) & 1)) return false;
  const ends = plan.historyEnds + ((<usize>user) << 2);
  let low = load<u32>(ends);
  const last = load<u32>(ends, 4);
  let high = last;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (load<u32>(plan.history + ((<usize>middle) << 2)) < item) low = middle + 1;
    else high = middle;
  }
  return low < last && load<u32>(plan.history + ((<usize>low) << 2)) == item;
}

/**
 * Writes context, item and M candidates for each of the block's events from .. to, as in Plan.candidates.
 *
 * For every event there is an item that its user lacks; other events were removed before.
 *
 * @param order u32: the block's events
 * @param target u32[to][M + 2]
 */
export function drawCandidates(
  plan: Plan,
  order: usize,
  from: u32,
  to: u32,
  epochKey: u32,
  target: usize,
): void {
  const M = plan.numNegatives;
  for (let r = from; r < to; r++) {
    const event = load<u32>(order + ((<usize>r) << 2));
    const user = load<u32>(plan.users + ((<usize>event) << 2));
    const own = load<u32>(plan.items + ((<usize>event) << 2));
    const key = draw(epochKey, event);
    const row = target + ((<usize>(r * (M + 2))) << 2);
    store<u32>(row, event);
    store<u32>(row, own, 4);
    let counter: u32 = 0;
    for (let k: u32 = 0; k < M; k++) {
      let item = drawItem(plan, key, counter++);
      let tries: u32 = 1;
      while (item == own || hasItem(plan, user, item)) {
        if (++tries > MAX_TRIES) item = item + 1 == plan.numItems ? 0 : item + 1;
        else item = drawItem(plan, key, counter++);
      }
      store<u32>(row + ((<usize>k) << 2), item, 8);
    }
  }
}
