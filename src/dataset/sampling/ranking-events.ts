// Training and evaluation data of ranking models: training events with the items of their users, and for each user of
// another split the held-out items.

import { groupStarts } from "../../base/numeric/groups.js";
import { ascending, codesAt, thoseOf, valuesAt } from "../../base/numeric/indices.js";
import { MISSING } from "../../log/keys.js";
import { codesIn } from "../stored-columns.js";
import { rowsAt, type Encoder, type FeatureRows } from "../rows.js";
import type { Dataset, KeyColumn } from "../dataset.js";
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
import { shuffle, streamOf } from "../../base/numeric/hash.js";
import { NO_ITEM, type ItemLists } from "../../compute/kernels/top-items/binding.js";

interface RankedPart {
  dataset: Dataset;
  rows: Uint32Array;
  encoder: Encoder;
  contextFieldIndexes: readonly number[];
}

interface TrainedPart extends RankedPart {
  isUserAlone: boolean;
}

interface RankingEvents {
  /** context features (user, device, ...), one row per event */
  context: FeatureRows;
  /** u32[numEvents]: user of each event, as numbered by the source of negatives; NO_ITEM for an event without a user */
  users: Uint32Array;
  /** u32[numEvents]: item of each event, as numbered by the source of negatives */
  items: Uint32Array;
  /** f32[numEvents]: weight of each event; absent when all are 1 */
  weights?: Float32Array;
  /** u32: feature of each user that the source of negatives numbers, if contexts consist of this feature alone */
  featureOfUser?: Uint32Array;
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
 * Returns the events with a known item whose user does not have all items, so that a negative exists. The arrays of
 * `events` become those of the result, because copies of hundreds of millions of events would not fit into memory.
 *
 * @param events users and items of the part's rows
 * @param weights f32[part.rows.length]; absent when all are 1
 */
export function rankingEvents(
  source: NegativeSource,
  part: TrainedPart,
  events: EventNumbers,
  seed: number,
  weights?: Float32Array,
): RankingEvents {
  const { indptr } = source.history;
  const taken = (user: number) => (user === NO_ITEM ? 1 : indptr[user + 1]! - indptr[user]!);
  const isUsable = (e: number) => events.items[e] !== NO_ITEM && taken(events.users[e]!) < source.items.size;
  const featureOfUser = part.isUserAlone ? featuresOfUsers(part, events.users, source.users.size) : undefined;
  let numUsable = 0;
  for (let e = 0; e < events.items.length; e++) if (isUsable(e)) numUsable++;
  let own = { ...events, weights, rows: featureOfUser ? undefined : part.rows };
  if (numUsable < events.items.length) {
    const usable = thoseOf(ascending(events.items.length), isUsable);
    own = {
      users: codesAt(own.users, usable),
      items: codesAt(own.items, usable),
      weights: weights && valuesAt(weights, usable),
      rows: own.rows && codesAt(own.rows, usable),
    };
  }
  const { users, items } = own;
  const rows = own.rows === part.rows ? part.rows.slice() : own.rows;
  const ownWeights = own.weights === weights ? weights?.slice() : own.weights;
  shuffle(
    items,
    streamOf(seed, 0x72616e6b),
    users,
    ...[rows, ownWeights].filter((array) => array !== undefined),
  );
  return {
    context: featureOfUser ? contextOfUsers(featureOfUser, users) : contextOf(part, rows!),
    ...{ users, items },
    ...(ownWeights && { weights: ownWeights }),
    ...(featureOfUser && { featureOfUser }),
  };
}

/** Returns u32[numUsers]; undefined if an event has no user. @param users u32: user of each row; each has a row */
function featuresOfUsers(part: RankedPart, users: Uint32Array, numUsers: number): Uint32Array | undefined {
  const rowOf = new Uint32Array(numUsers);
  for (let e = 0; e < users.length; e++) {
    if (users[e] === NO_ITEM) return undefined;
    rowOf[users[e]!] = part.rows[e]!;
  }
  const { ids, width, indptr, values } = contextOf(part, rowOf);
  return width !== 1 || indptr || values ? undefined : ids;
}

/** Returns the contexts of events that have only a user; the features are copied when they are first read. */
function contextOfUsers(featureOfUser: Uint32Array, users: Uint32Array): FeatureRows {
  const numRows = users.length;
  let ids: Uint32Array | undefined;
  return {
    ...{ numRows, width: 1, labels: new Float32Array(numRows) },
    get ids() {
      return (ids ??= codesAt(featureOfUser, users));
    },
  };
}

export function noEvents(): RankingEvents {
  const none = { users: new Uint32Array(), items: new Uint32Array() };
  return { ...none, context: { numRows: 0, width: 1, ids: new Uint32Array(), labels: new Float32Array() } };
}

interface HeldOut {
  /** u32[numQueries]: user of each query, as numbered by the source of negatives */
  users: Uint32Array;
  /** u32[numQueries]: row of each user's first event in the split */
  firsts: Uint32Array;
  /** one ascending list of distinct items per query, with NO_ITEM for each item that is not in training */
  items: ItemLists;
  /** number of events of the known users, and number of those whose item the user has in training */
  events: number;
  repeats: number;
  /** number of users without training events */
  unknownUsers: number;
}

export function heldOutOf(
  { users: knownUsers, items: knownItems, history }: Pick<NegativeSource, "users" | "items" | "history">,
  { dataset, rows }: Pick<RankedPart, "dataset" | "rows">,
): HeldOut {
  const users = usersOf(knownUsers, dataset, rows);
  const items = itemsOf(knownItems, dataset, rows);
  const userColumn = columnOfRole(dataset, "user");
  const itemColumn = columnOfRole(dataset, "item");
  const userCodes = userColumn && codesIn(userColumn, rows);
  const itemCodes = itemColumn && codesIn(itemColumn, rows);
  const isCounted = (e: number) => users[e] !== NO_ITEM && itemCodes?.[e] !== MISSING;
  // numbers the users in the order of their first events; typed arrays, because a Map has at most 16.7 million entries
  const queryOf = new Uint32Array(knownUsers.size).fill(NO_ITEM);
  const [firsts, found] = [new Uint32Array(rows.length), new Uint32Array(rows.length)];
  const unknownUsers = new Uint8Array(userColumn?.dictionary.size ?? 0);
  let [numQueries, events, repeats] = [0, 0, 0];
  for (let e = 0; e < rows.length; e++) {
    const [row, user, item] = [rows[e]!, users[e]!, items[e]!];
    if (user === NO_ITEM && userCodes && userCodes[e] !== MISSING) unknownUsers[userCodes[e]!] = 1;
    if (!isCounted(e)) continue;
    if (queryOf[user] === NO_ITEM) {
      [firsts[numQueries], found[numQueries]] = [row, user];
      queryOf[user] = numQueries++;
    }
    events++;
    if (item !== NO_ITEM && hasItem(history, user, item)) repeats++;
  }
  const ends = groupStarts((e) => (isCounted(e) ? queryOf[users[e]!]! : NO_ITEM), rows.length, numQueries);
  // an unknown item gets a number after those of the known items, so that repeated ones are found
  const all = new Uint32Array(events);
  const at = ends.slice();
  for (let e = 0; e < rows.length; e++) {
    if (!isCounted(e)) continue;
    const item = items[e] === NO_ITEM ? knownItems.size + (itemCodes ? itemCodes[e]! : e) : items[e]!;
    all[at[queryOf[users[e]!]!]!++] = item;
  }
  return {
    users: found.slice(0, numQueries),
    firsts: firsts.slice(0, numQueries),
    items: distinct({ indptr: ends, items: all }, knownItems.size),
    events,
    repeats,
    unknownUsers: unknownUsers.reduce((sum, is) => sum + is, 0),
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

/** Distinct items of each list, ascending, with NO_ITEM for each unknown one. @param items changed */
function distinct({ indptr, items }: ItemLists, numKnown: number): ItemLists {
  const ends = new Uint32Array(indptr.length);
  let kept = 0;
  for (let q = 0; q + 1 < indptr.length; q++) {
    const own = items.subarray(indptr[q], indptr[q + 1]).sort();
    let last = NO_ITEM;
    for (let j = 0; j < own.length; j++) {
      const item = own[j]!;
      if (item !== last) items[kept++] = item < numKnown ? item : NO_ITEM;
      last = item;
    }
    ends[q + 1] = kept;
  }
  return { indptr: ends, items: items.slice(0, kept) };
}

function columnOfRole({ columns, roles }: Dataset, role: "user" | "item"): KeyColumn | undefined {
  const column = columns.find(({ name }) => name === roles[role]);
  return column?.kind === "key" ? column : undefined;
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
