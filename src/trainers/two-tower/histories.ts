// Histories: the items of each user, and the part of them that precedes each event.
//
//   rows ──► tokens by user and time, a list per behavior ──► for each event a range of its user's tokens
//
// The last token of a range is the newest.
//
// Items with the same time as an event are not in its history, because they may belong to the same basket.

import { byGroup } from "../../base/numeric/groups.js";
import { doublesAt, mapTo } from "../../base/numeric/indices.js";
import type { Dataset } from "../../dataset/dataset.js";
import type { Ranges } from "../../compute/kernels/two-tower/inputs.js";
import { exp } from "../../base/numeric/exp.js";
import { NO_ITEM, type ItemLists } from "../../compute/kernels/top-items/binding.js";
import { timesOfRows } from "../../dataset/sampling/training-events.js";
import type { HistoryKind } from "./options.js";

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

/** @param users,items u32[rows.length]: NO_ITEM if a row has none; events without a user are dropped */
export function orderedEvents(
  dataset: Dataset,
  rows: Uint32Array,
  { users, items, numUsers }: { users: Uint32Array; items: Uint32Array; numUsers: number },
): OrderedEvents {
  const { starts: ends, order: places } = byGroup((place) => users[place]!, users.length, numUsers);
  const times = timesOfRows(dataset, rows);
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

/** Events of one kind of behavior, in the order of OrderedEvents. */
export interface Behavior {
  /** u32: known items of the events of this behavior, sorted by user and time */
  tokens: Uint32Array;
  /** u32[numEvents + 1]: number of tokens before each of all events, including events of other kinds */
  before: Uint32Array;
}

/** @param isOf u8 by index among the rows: 1 if the event is of this kind; absent: all events */
export function behaviorOf({ places, items }: OrderedEvents, isOf?: Uint8Array): Behavior {
  const before = new Uint32Array(places.length + 1);
  const tokens = new Uint32Array(places.length);
  let count = 0;
  places.forEach((place, n) => {
    before[n] = count;
    if (items[n] !== NO_ITEM && (!isOf || isOf[place])) tokens[count++] = items[n]!;
  });
  before[places.length] = count;
  return { tokens: tokens.slice(0, count), before };
}

/** The user's `most` newest tokens before each event. @param events u32: positions in the order of events */
export function rangesBefore(
  { ends, users, firsts }: OrderedEvents,
  { tokens, before }: Behavior,
  events: Uint32Array,
  most: number,
): Ranges & { numCut: number } {
  if (!firsts) throw new RangeError("histories need times");
  const begins = new Uint32Array(events.length);
  let numCut = 0;
  const stops = events.map((event, e) => {
    const begin = before[ends[users[event]!]!]!;
    const end = before[firsts[event]!]!;
    if (end - begin > most) numCut++;
    begins[e] = Math.max(begin, end - Math.min(most, end));
    return end;
  });
  return { tokens, begins, ends: stops, numCut };
}

/** The user's `most` newest tokens. */
export function newestRanges({ ends }: OrderedEvents, { tokens, before }: Behavior, most: number): Ranges {
  const stops = ends.subarray(1).map((end) => before[end]!);
  const begins = stops.map((stop, u) => Math.max(before[ends[u]!]!, stop - Math.min(most, stop)));
  return { tokens, begins, ends: stops };
}

/** Sorts each user's distinct items by hash, so that any range of them is a random sample. */
export function inHashOrder({ indptr, items }: ItemLists, hashes: Uint32Array): Uint32Array {
  const tokens = items.slice();
  for (let u = 0; u + 1 < indptr.length; u++)
    tokens.subarray(indptr[u], indptr[u + 1]).sort((a, b) => hashes[a]! - hashes[b]! || a - b);
  return tokens;
}

/**
 * The user's items; of more than `most` other items, the range around the example's own item in the order by hash.
 * @param places u32: position of the example's own item among the tokens
 */
export function rangesAround(
  { indptr }: ItemLists,
  tokens: Uint32Array,
  { users, places }: { users: Uint32Array; places: Uint32Array },
  most: number,
): Ranges & { numCut: number } {
  const begins = new Uint32Array(users.length);
  let numCut = 0;
  const stops = users.map((user, e) => {
    const [first, last] = [indptr[user]!, indptr[user + 1]!];
    if (last - first <= most + 1) {
      begins[e] = first;
      return last;
    }
    numCut++;
    const begin = Math.min(Math.max(first, places[e]! - (most >>> 1)), last - most - 1);
    begins[e] = begin;
    return begin + most + 1;
  });
  return { tokens, begins, ends: stops, numCut };
}

export function rangesOfAll({ indptr }: ItemLists, tokens: Uint32Array, most: number): Ranges {
  const begins = indptr.slice(0, -1);
  return { tokens, begins, ends: begins.map((begin, u) => Math.min(indptr[u + 1]!, begin + most)) };
}

/** f32[most]: weight of a history item by the number of items after it; undefined without a half-life. */
export function recencyOf(halfLife: number | undefined, { most }: HistoryKind): Float32Array | undefined {
  if (halfLife === undefined) return undefined;
  return mapTo(Float32Array, { length: most }, (_, back) => exp((-Math.LN2 * back) / halfLife));
}
