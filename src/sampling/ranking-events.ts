// Training and evaluation data of ranking models: training events with the items of their users, and for each user of
// another split the held-out items.

import { ascending, codesAt, thoseOf, valuesAt } from "../numeric/indices.js";
import { MISSING } from "../log/keys.js";
import { rowsAt, type Encoder, type FeatureRows } from "../dataset/rows.js";
import type { Dataset } from "../dataset/dataset.js";
import {
  itemsOf,
  usersOf,
  type EventNumbers,
  type NegativeSource,
  hasItem,
  historyOf,
  joined,
  ownersOfItems,
} from "./negatives.js";
import type { WeightedHistory } from "./training-events.js";
import { shuffle, streamOf } from "../numeric/hash.js";
import { NO_ITEM, type ItemLists } from "../kernels/top-items/binding.js";

/** Rows of a split, with the encoder and the indexes of the fields that do not belong to the item. */
export interface RankedPart {
  dataset: Dataset;
  rows: Uint32Array;
  encoder: Encoder;
  contextFieldIndexes: readonly number[];
}

/** Positive events in random order. */
export interface RankingEvents {
  /** context features (user, device, ...) of each event, one row per event */
  context: FeatureRows;
  /** u32[numEvents]: user of each event, as numbered by the source of negatives; NO_ITEM for an event without a user */
  users: Uint32Array;
  /** u32[numEvents]: item of each event, as numbered by the source of negatives */
  items: Uint32Array;
  /** f32[numEvents]: weights; absent when all are 1 */
  weights?: Float32Array;
}

/** Queries of a ranking evaluation: one per user of a split. */
export interface RankingQueries {
  /** u32[numQueries]: user of each query, as numbered by the source of negatives */
  users: Uint32Array;
  /** features of each user; other context fields of events are omitted */
  context: FeatureRows;
  /** training items of each user, which must not be recommended */
  masks: ItemLists;
  /** items of each user in the evaluated split, ascending, with NO_ITEM for each that is not in training */
  heldOut: ItemLists;
  /** items to rank for each query; all items when absent */
  among?: ItemLists;
  /** number of users without training events, who have no query */
  unknownUsers: number;
}

/** Training events and evaluation queries of a ranking model. */
export interface RankingExamples {
  source: NegativeSource;
  train: RankingEvents;
  valid?: RankingQueries;
  test?: RankingQueries;
}

/**
 * Returns the events with a known item whose user does not have all items, so that a negative exists.
 *
 * @param events users and items of the part's rows
 * @param weights f32[part.rows.length]; absent when all are 1
 */
export function rankingEvents(
  source: NegativeSource,
  part: RankedPart,
  { users, items }: EventNumbers,
  seed: number,
  weights?: Float32Array,
): RankingEvents {
  const { indptr } = source.history;
  const taken = (user: number) => (user === NO_ITEM ? 1 : indptr[user + 1]! - indptr[user]!);
  const usable = thoseOf(
    ascending(part.rows.length),
    (e) => items[e] !== NO_ITEM && taken(users[e]!) < source.items.size,
  );
  shuffle(usable, streamOf(seed, 0x72616e6b));
  return {
    context: contextOf(part, codesAt(part.rows, usable)),
    users: codesAt(users, usable),
    items: codesAt(items, usable),
    ...(weights && { weights: valuesAt(weights, usable) }),
  };
}

/** Known users of a split in the order of their first events, with their held-out items. */
export interface HeldOut {
  /** u32[numQueries]: user of each query, as numbered by the source of negatives */
  users: Uint32Array;
  /** u32[numQueries]: row of each user's first event in the split */
  firsts: Uint32Array;
  /** one ascending list of distinct items per query, with NO_ITEM for each item that is not in training */
  items: ItemLists;
  /** number of events of these users, and number of those whose item the user has in training */
  events: number;
  repeats: number;
  /** number of users without training events */
  unknownUsers: number;
}

/** Returns the known users of a split and their held-out items. */
export function heldOutOf(
  { users: knownUsers, items: knownItems, history }: Pick<NegativeSource, "users" | "items" | "history">,
  { dataset, rows }: Pick<RankedPart, "dataset" | "rows">,
): HeldOut {
  const users = usersOf(knownUsers, dataset, rows);
  const items = itemsOf(knownItems, dataset, rows);
  const [userCodes, itemCodes] = [codesOf(dataset, "user"), codesOf(dataset, "item")];
  const byUser = new Map<number, { first: number; items: number[]; unknown: Set<number> }>();
  const unknownUsers = new Set<number>();
  let [events, repeats] = [0, 0];
  users.forEach((user, e) => {
    const [row, item] = [rows[e]!, items[e]!];
    const isMissing = itemCodes?.[row] === MISSING;
    if (user === NO_ITEM) {
      if (userCodes && userCodes[row] !== MISSING) unknownUsers.add(userCodes[row]!);
      return;
    }
    if (isMissing) return;
    let found = byUser.get(user);
    if (!found) byUser.set(user, (found = { first: row, items: [], unknown: new Set() }));
    if (item === NO_ITEM) found.unknown.add(itemCodes ? itemCodes[row]! : e);
    else found.items.push(item);
    events++;
    if (item !== NO_ITEM && hasItem(history, user, item)) repeats++;
  });
  return {
    users: Uint32Array.from(byUser.keys()),
    firsts: Uint32Array.from(byUser.values(), ({ first }) => first),
    items: listsOf([...byUser.values()], (found) => distinct(found.items, found.unknown.size)),
    events,
    repeats,
    unknownUsers: unknownUsers.size,
  };
}

/** Returns the queries for a split, in the order of the users' first events. */
export function rankingQueries(source: NegativeSource, part: RankedPart): RankingQueries {
  const { users, firsts, items, unknownUsers } = heldOutOf(source, part);
  return {
    users,
    context: contextOf(part, firsts),
    masks: listsOfUsers(source.history, users),
    heldOut: items,
    unknownUsers,
  };
}

/** Returns the lists of the given users, in their order, with their weights if there are any. */
export function listsOfUsers(
  { indptr, items, weights }: WeightedHistory,
  users: Uint32Array,
): WeightedHistory {
  const ends = new Uint32Array(users.length + 1);
  users.forEach((user, q) => (ends[q + 1] = ends[q]! + indptr[user + 1]! - indptr[user]!));
  const picked = new Uint32Array(ends[users.length]!);
  const own = weights && new Float64Array(picked.length);
  users.forEach((user, q) => {
    picked.set(items.subarray(indptr[user], indptr[user + 1]), ends[q]);
    own?.set(weights!.subarray(indptr[user], indptr[user + 1]), ends[q]);
  });
  return { indptr: ends, items: picked, weights: own };
}

/** Returns the items of each user in the history of the source of negatives and in the events of another split. */
export function historyWith(
  { history, users, items }: Pick<NegativeSource, "history" | "users" | "items">,
  { dataset, rows }: Pick<RankedPart, "dataset" | "rows">,
): ItemLists {
  return historyOf(
    joined(ownersOfItems(history), usersOf(users, dataset, rows)),
    joined(history.items, itemsOf(items, dataset, rows)),
    users.size,
  );
}

/** Returns at most `most` of the queries, chosen at random by the seed. */
export function sampleQueries(queries: RankingQueries, most: number, seed: number): RankingQueries {
  const { numRows } = queries.context;
  if (numRows <= most) return queries;
  const chosen = ascending(numRows);
  shuffle(chosen, streamOf(seed, 0x6c6f6f6b));
  return queriesAt(queries, chosen.slice(0, most).sort());
}

/** Returns the selected queries. @param rows u32: indexes of the queries */
export function queriesAt(queries: RankingQueries, rows: Uint32Array): RankingQueries {
  const { users, context, masks, heldOut, among, unknownUsers } = queries;
  return {
    users: rows.map((q) => users[q]!),
    context: rowsAt(context, rows),
    masks: listsOfUsers(masks, rows),
    heldOut: listsOfUsers(heldOut, rows),
    ...(among && { among: listsOfUsers(among, rows) }),
    unknownUsers,
  };
}

function contextOf({ encoder, contextFieldIndexes }: RankedPart, rows: Uint32Array): FeatureRows {
  return encoder.encode(rows, new Float32Array(rows.length), contextFieldIndexes);
}

/** Returns the distinct items in ascending order, followed by NO_ITEM for each of the `unknown` items. */
function distinct(items: readonly number[], unknown: number): Uint32Array {
  const known = Uint32Array.from(items)
    .sort()
    .filter((item, i, sorted) => item !== sorted[i - 1]);
  const all = new Uint32Array(known.length + unknown).fill(NO_ITEM);
  all.set(known);
  return all;
}

function codesOf({ columns, roles }: Dataset, role: "user" | "item"): Uint32Array | undefined {
  const column = columns.find(({ name }) => name === roles[role]);
  return column?.kind === "key" ? column.codes : undefined;
}

/** Concatenates the lists that a function returns for each row. */
export function listsOf<T>(rows: readonly T[], itemsOfRow: (row: T) => Uint32Array): ItemLists {
  const lists = rows.map(itemsOfRow);
  const indptr = new Uint32Array(rows.length + 1);
  lists.forEach((list, r) => (indptr[r + 1] = indptr[r]! + list.length));
  const items = new Uint32Array(indptr[rows.length]!);
  lists.forEach((list, r) => items.set(list, indptr[r]));
  return { indptr, items };
}
