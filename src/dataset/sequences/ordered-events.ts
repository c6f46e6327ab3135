// Events of users in the order in which they happened.

import { byGroup } from "../../base/numeric/groups.js";
import { doublesAt } from "../../base/numeric/indices.js";

/** Events of known users, sorted by user, then by time, then by position in the log. */
export interface OrderedEvents {
  /** u32[numUsers + 1]: user u has the events with positions ends[u] to ends[u + 1] - 1 */
  ends: Uint32Array;
  /** u32: index of each event among the given rows */
  places: Uint32Array;
  /** u32 each: user and item of each event; NO_ITEM for an unknown item */
  users: Uint32Array;
  items: Uint32Array;
  /** f64: time of each event in milliseconds; absent for a log without times */
  times?: Float64Array;
  /** u32: position of the first event of the same user with the same time */
  firsts?: Uint32Array;
}

/**
 * Sorts the events of rows.
 *
 * @param times f64[rows.length]: milliseconds; undefined for a log without times
 * @param users,items u32[rows.length]: NO_ITEM if a row has none; events without a user are dropped
 */
export function orderedEvents(
  rows: Uint32Array,
  times: Float64Array | undefined,
  { users, items, numUsers }: { users: Uint32Array; items: Uint32Array; numUsers: number },
): OrderedEvents {
  const { starts: ends, order: places } = byGroup((place) => users[place]!, users.length, numUsers);
  if (times)
    for (let u = 0; u < numUsers; u++) {
      const group = places.subarray(ends[u], ends[u + 1]);
      // most logs are sorted by time already, and are not sorted again
      if (group.some((place, i) => i > 0 && times[place]! < times[group[i - 1]!]!))
        group.sort((a, b) => times[a]! - times[b]! || rows[a]! - rows[b]!);
    }
  const order = {
    ...{ ends, places },
    users: places.map((place) => users[place]!),
    items: places.map((place) => items[place]!),
  };
  if (!times) return order;
  const firsts = new Uint32Array(places.length);
  places.forEach((place, n) => {
    const isSame = n > 0 && order.users[n - 1] === order.users[n] && times[places[n - 1]!] === times[place];
    firsts[n] = isSame ? firsts[n - 1]! : n;
  });
  return { ...order, firsts, times: doublesAt(times, places) };
}
