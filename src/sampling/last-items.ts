// The items that users took last, from the events of a training part.
//
//   events, times ──► grouped by user ──► each user's from the latest on ──► the first N items that differ, weighted by age

import { exp } from "../numeric/exp.js";
import { NO_ITEM, type ItemLists } from "../kernels/top-items/binding.js";

/** Events with their times, as TrainingEvents has them. */
export interface TimedEvents {
  /** u32[n], u32[n]: NO_ITEM for none; such events do not count */
  users: Uint32Array;
  items: Uint32Array;
  /** f64[n]: milliseconds */
  times: Float64Array;
}

/** Lists with a weight for each item. */
export interface WeightedHistory extends ItemLists {
  /** f64, beside items; 1 each when absent */
  weights?: Float64Array;
}

/**
 * The N items of each user whose last events are the latest; of equal times the later row is the later event.
 *
 * @param users u32[numQueries]: whose lists
 * @param how.most N >= 1; a user with fewer items has them all
 * @param how.halfLife milliseconds: an item weighs 2^(-age / halfLife), its age being the time from its last event to the user's latest
 * @returns a list a query, ascending, each item once
 */
export function lastItems(
  { users: owners, items, times }: TimedEvents,
  numUsers: number,
  users: Uint32Array,
  { most, halfLife }: { most: number; halfLife?: number | undefined },
): WeightedHistory {
  const { order, starts } = byUser(owners, items, numUsers);
  const lists = Array.from(users, (user) => {
    const own = order.subarray(starts[user], starts[user + 1]);
    own.sort((a, b) => times[b]! - times[a]! || b - a);
    const latestOf = new Map<number, number>();
    for (const event of own) {
      if (latestOf.size === most) break;
      const item = items[event]!;
      if (!latestOf.has(item)) latestOf.set(item, times[event]! - times[own[0]!]!);
    }
    return [...latestOf].sort(([a], [b]) => a - b);
  });
  const indptr = new Uint32Array(users.length + 1);
  lists.forEach((list, q) => (indptr[q + 1] = indptr[q]! + list.length));
  const found = { indptr, items: new Uint32Array(indptr[users.length]!) };
  const weights = halfLife === undefined ? undefined : new Float64Array(found.items.length);
  lists.forEach((list, q) =>
    list.forEach(([item, since], i) => {
      found.items[indptr[q]! + i] = item;
      if (weights) weights[indptr[q]! + i] = exp((Math.LN2 * since) / halfLife!);
    }),
  );
  return { ...found, weights };
}

/** Events by user: those of user u are order[starts[u] .. starts[u + 1]). */
function byUser(
  owners: Uint32Array,
  items: Uint32Array,
  numUsers: number,
): { order: Uint32Array; starts: Uint32Array } {
  const counts = (e: number) => owners[e] !== NO_ITEM && items[e] !== NO_ITEM;
  const starts = new Uint32Array(numUsers + 1);
  owners.forEach((user, e) => {
    if (counts(e)) starts[user + 1]!++;
  });
  for (let user = 0; user < numUsers; user++) starts[user + 1]! += starts[user]!;
  const order = new Uint32Array(starts[numUsers]!);
  const at = starts.slice();
  owners.forEach((user, e) => {
    if (counts(e)) order[at[user]!++] = e;
  });
  return { order, starts };
}
