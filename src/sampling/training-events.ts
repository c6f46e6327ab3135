// What a ranking is evaluated against: the items that are ranked, and which of them each user has from training.
//
//   items   in the order of a hash of their keys, so that items of one score stand in an order that tells nothing: neither of
//           the log's order, in which popular items come first, nor of how a model numbers them

import { ascending, mapTo, thoseOf } from "../numeric/indices.js";
import { selectKeys, compareKeys, type Keys } from "../log/keys.js";
import { keyColumn } from "../dataset/item-fields.js";
import type { Dataset } from "../dataset/dataset.js";
import { countKeys } from "../dataset/vocabulary/key-counts.js";
import { hashBytes } from "../numeric/hash.js";
import { itemsOf, usersOf, type NegativeSource, historyOf } from "./negatives.js";
import { NO_ITEM, type ItemLists } from "../kernels/top-items/binding.js";
import { exp } from "../numeric/exp.js";

export interface TrainingEvents {
  users: Keys;
  items: Keys;
  /** u32[items.size]: their events */
  counts: Uint32Array;
  /** distinct items of each user, ascending */
  history: ItemLists;
  /** each event's user and item, NO_ITEM for none; absent where only the distinct ones are known */
  events?: { users: Uint32Array; items: Uint32Array; times?: Float64Array };
}

const SEED = { lo: 0x74696573, hi: 0x6f726465 };
const orders = new WeakMap<Keys, Uint32Array>();

/** u32[keys.size]: the keys by a 64-bit hash, then by their bytes. Taken once for each dictionary. */
export function hashOrder(keys: Keys): Uint32Array {
  const known = orders.get(keys);
  if (known) return known;
  const { size, bytes, offsets } = keys;
  const [lo, hi] = [new Uint32Array(size), new Uint32Array(size)];
  for (let code = 0; code < size; code++) {
    const hash = hashBytes(bytes, offsets[code]!, offsets[code + 1]!, SEED);
    [lo[code], hi[code]] = [hash.lo, hash.hi];
  }
  const order = ascending(size).sort((a, b) => hi[a]! - hi[b]! || lo[a]! - lo[b]! || compareKeys(keys, a, b));
  orders.set(keys, order);
  return order;
}

/** u32[order.length]: where each stands in the order. */
export function placesOf(order: Uint32Array): Uint32Array {
  const places = new Uint32Array(order.length);
  order.forEach((code, place) => (places[code] = place));
  return places;
}

/** Lists of items under their places, ascending again; NO_ITEM stays. */
export function renumbered({ indptr, items }: ItemLists, places: Uint32Array): ItemLists {
  const moved = items.map((item) => (item === NO_ITEM ? NO_ITEM : places[item]!));
  for (let q = 0; q + 1 < indptr.length; q++) moved.subarray(indptr[q], indptr[q + 1]).sort();
  return { indptr, items: moved };
}

/** f64[rows.length]: milliseconds; undefined for a log without a time column. */
export function timesOfRows({ roles, columns }: Dataset, rows: Uint32Array): Float64Array | undefined {
  const column = columns.find(({ name }) => name === roles.time);
  if (column?.kind !== "number") return undefined;
  // of a column on disk, read once
  const { values } = column;
  return mapTo(Float64Array, rows, (row) => values[row]!);
}

/** The events of a log's rows. @param rows u32: the training part @param timed with their times, where the log has them */
export function eventsOfRows(dataset: Dataset, rows: Uint32Array, timed = false): TrainingEvents {
  const keysIn = (name: string) => {
    const column = keyColumn(dataset, name);
    const events = countKeys(column, rows);
    return selectKeys(
      column.dictionary,
      thoseOf(ascending(events.length), (code) => events[code]! > 0),
    );
  };
  const [users, all] = [keysIn(dataset.roles.user!), keysIn(dataset.roles.item!)];
  const items = selectKeys(all, hashOrder(all));
  const times = timed ? timesOfRows(dataset, rows) : undefined;
  const events = {
    users: usersOf(users, dataset, rows),
    items: itemsOf(items, dataset, rows),
    times,
  };
  const counts = new Uint32Array(items.size);
  for (const item of events.items) if (item !== NO_ITEM) counts[item]!++;
  return { users, items, counts, history: historyOf(events.users, events.items, users.size), events };
}

/** The same of what a run keeps of its training. */
export function eventsOfSource({ users, items, counts, history }: NegativeSource): TrainingEvents {
  const order = hashOrder(items);
  return {
    users,
    items: selectKeys(items, order),
    counts: order.map((code) => counts[code]!),
    history: renumbered(history, placesOf(order)),
  };
}

/** u32, beside history.items: how many events each pair of a user and an item has; 1 where only the distinct ones are known. */
export function pairEventsOf({ history: { indptr, items }, events }: TrainingEvents): Uint32Array {
  if (!events) return new Uint32Array(items.length).fill(1);
  const pairs = new Uint32Array(items.length);
  events.users.forEach((user, e) => {
    if (user === NO_ITEM || events.items[e] === NO_ITEM) return;
    const own = items.subarray(indptr[user], indptr[user + 1]);
    pairs[indptr[user]! + placeIn(own, events.items[e]!)]!++;
  });
  return pairs;
}

/** Where an item stands among ascending ones, or would: the first that is no less. */
export function placeIn(items: Uint32Array, item: number): number {
  let [low, high] = [0, items.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (items[middle]! < item) low = middle + 1;
    else high = middle;
  }
  return low;
}

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
