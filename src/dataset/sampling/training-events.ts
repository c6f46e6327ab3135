// Training events for the evaluation of rankings: the items to rank, and the training items of each user.
//
//   items   in the order of a hash of their keys, so that the order of ties carries no information: it depends neither
//           on the log, in which popular items come first, nor on a model's numbering

import { byGroup } from "../../base/numeric/groups.js";
import { ascending, doublesAt } from "../../base/numeric/indices.js";
import { selectKeys, compareKeys, type Keys } from "../../log/keys.js";
import { keyColumn } from "../item-fields.js";
import type { Dataset } from "../dataset.js";
import { hashBytes } from "../../base/numeric/hash.js";
import { codesInRows, itemsOf, placeIn, usersOf, type NegativeSource, historyOf } from "./negatives.js";
import { NO_ITEM, type ItemLists } from "../../compute/kernels/top-items/binding.js";
import { exp } from "../../base/numeric/exp.js";

export interface TrainingEvents {
  users: Keys;
  items: Keys;
  /** u32[items.size]: number of events of each item */
  counts: Uint32Array;
  /** distinct items of each user, in ascending order */
  history: ItemLists;
  /** user and item of each event, NO_ITEM if missing; absent if only distinct pairs are known */
  events?: { users: Uint32Array; items: Uint32Array; times?: Float64Array };
}

const SEED = { lo: 0x74696573, hi: 0x6f726465 };
const orders = new WeakMap<Keys, Uint32Array>();

/** Returns u32[keys.size]: codes sorted by a 64-bit hash of the key, then by its bytes; cached per dictionary. */
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

/** Returns u32[order.length]: the position of each code in the order, which is the inverse permutation. */
export function placesOf(order: Uint32Array): Uint32Array {
  const places = new Uint32Array(order.length);
  order.forEach((code, place) => (places[code] = place));
  return places;
}

/** Replaces the items of lists by their positions, and sorts each list; NO_ITEM is unchanged. */
export function renumbered({ indptr, items }: ItemLists, places: Uint32Array): ItemLists {
  const moved = items.map((item) => (item === NO_ITEM ? NO_ITEM : places[item]!));
  for (let q = 0; q + 1 < indptr.length; q++) moved.subarray(indptr[q], indptr[q + 1]).sort();
  return { indptr, items: moved };
}

/** Returns f64[rows.length]: times in milliseconds; undefined for a log without a time column. */
export function timesOfRows({ roles, columns }: Dataset, rows: Uint32Array): Float64Array | undefined {
  const column = columns.find(({ name }) => name === roles.time);
  if (column?.kind !== "number") return undefined;
  // the values are read into a variable once, because each access to a stored column reads the disk
  const { values } = column;
  return doublesAt(values, rows);
}

/** Returns the training events of a log. @param timed true to include times if the log has them */
export function eventsOfRows(dataset: Dataset, rows: Uint32Array, timed = false): TrainingEvents {
  const keysIn = (name: string) => {
    const column = keyColumn(dataset, name);
    return selectKeys(column.dictionary, codesInRows(column, rows));
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

/** Returns the training events as far as a run stores them: distinct items of each user, and counts of items. */
export function eventsOfSource({ users, items, counts, history }: NegativeSource): TrainingEvents {
  const order = hashOrder(items);
  return {
    users,
    items: selectKeys(items, order),
    counts: order.map((code) => counts[code]!),
    history: renumbered(history, placesOf(order)),
  };
}

/** Returns u32, parallel to history.items: the number of events of each pair; 1 if only distinct pairs are known. */
export function pairEventsOf({ history: { indptr, items }, events }: TrainingEvents): Uint32Array {
  if (!events) return new Uint32Array(items.length).fill(1);
  const pairs = new Uint32Array(items.length);
  events.users.forEach((user, e) => {
    if (user === NO_ITEM || events.items[e] === NO_ITEM) return;
    pairs[placeIn(items, events.items[e]!, indptr[user]!, indptr[user + 1]!)]!++;
  });
  return pairs;
}

interface TimedEvents {
  /** u32[n] each: users and items; events with NO_ITEM are ignored */
  users: Uint32Array;
  items: Uint32Array;
  /** time of each event in milliseconds, f64[n] */
  times: Float64Array;
}

export interface WeightedHistory extends ItemLists {
  /** f64, parallel to items; 1 when absent */
  weights?: Float64Array;
}

/**
 * Returns the N items of each user with the latest events; at equal times, the later row is the later event.
 *
 * @param users u32[numQueries]: users of the lists
 * @param how.most N >= 1: maximum number of items of a list
 * @param how.halfLife milliseconds: the weight of an item is 2^(-age / halfLife), where the age is the time between the
 * last events of the item and of the user
 * @returns one ascending list of distinct items per query
 */
export function lastItems(
  { users: owners, items, times }: TimedEvents,
  numUsers: number,
  users: Uint32Array,
  { most, halfLife }: { most: number; halfLife?: number | undefined },
): WeightedHistory {
  const userOf = (event: number) => (items[event] === NO_ITEM ? NO_ITEM : owners[event]!);
  const { order, starts } = byGroup(userOf, owners.length, numUsers);
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
