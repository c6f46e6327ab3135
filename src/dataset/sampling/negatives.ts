// Samples negatives for a log of positive events. A negative has the user, time and context of its event, but another
// item, with the columns that the item determines.
//
//   codes     of items and users: numbers in the catalogue and the history of a run, the same for all logs
//   history   the items of each user in the TRAINING split, which are never drawn for that user. Held-out items
//             may be drawn, because their exclusion would reveal them to the model.
//
// The n-th negative of a row is a hash of (seed, epoch, row, n). A draw that is in the history is rejected, and the
// next random number is used.

import { ascending, firstOf, mapTo, thoseOf } from "../../base/numeric/indices.js";
import { NO_ITEM, type ItemLists } from "../../compute/kernels/top-items/binding.js";
import { itemAt } from "./noise-distribution.js";
import { MISSING, selectKeys, type Keys } from "../../log/keys.js";
import type { Dataset, KeyColumn } from "../dataset.js";
import { itemCatalogue, keyColumn, type ItemCatalogue, type ItemFields } from "../item-fields.js";
import { KeyIndex } from "../vocabulary/key-index.js";
import { codesIn, isStored, SLICE_ROWS, slicesAt } from "../stored-columns.js";
import { countKeys } from "../vocabulary/key-counts.js";
import type { Encoder } from "../rows.js";
import { uniformAt } from "../../base/numeric/hash.js";

const MAX_DRAWS = 64;

/** Collects the distinct items of each user, u32[numEvents] each; events with NO_ITEM as user or item are skipped. */
export function historyOf(users: Uint32Array, items: Uint32Array, numUsers: number): ItemLists {
  return historyOfSlices(() => [{ users, items }], numUsers);
}

/** Returns historyOf events that are read twice, slice by slice. */
function historyOfSlices(slices: () => Iterable<EventNumbers>, numUsers: number): ItemLists {
  const ends = new Uint32Array(numUsers + 1);
  const counts = (u: number, i: number) => u !== NO_ITEM && i !== NO_ITEM;
  for (const { users, items } of slices())
    for (let e = 0; e < users.length; e++) if (counts(users[e]!, items[e]!)) ends[users[e]! + 1]!++;
  for (let u = 0; u < numUsers; u++) ends[u + 1]! += ends[u]!;
  const all = new Uint32Array(ends[numUsers]!);
  const at = ends.slice();
  for (const { users, items } of slices())
    for (let e = 0; e < users.length; e++)
      if (counts(users[e]!, items[e]!)) all[at[users[e]!]!++] = items[e]!;

  // sorts the items of each user and removes repeated ones
  const indptr = new Uint32Array(numUsers + 1);
  let kept = 0;
  for (let u = 0; u < numUsers; u++) {
    const own = all.subarray(ends[u], ends[u + 1]).sort();
    for (let j = 0; j < own.length; j++) if (j === 0 || own[j] !== own[j - 1]) all[kept++] = own[j]!;
    indptr[u + 1] = kept;
  }
  return { indptr, items: firstOf(all, kept) };
}

/** Returns u32, parallel to the items: the index of the list that contains each item. */
export function ownersOfItems({ indptr, items }: ItemLists): Uint32Array {
  const owners = new Uint32Array(items.length);
  for (let list = 0; list + 1 < indptr.length; list++) owners.fill(list, indptr[list], indptr[list + 1]);
  return owners;
}

/** Returns for each index the union of the lists of a and b, which are as many; the items of a list are distinct. */
export function unionOf(a: ItemLists, b: ItemLists): ItemLists {
  return historyOf(joined(ownersOfItems(a), ownersOfItems(b)), joined(a.items, b.items), a.indptr.length - 1);
}

export function joined(a: Uint32Array, b: Uint32Array): Uint32Array {
  const all = new Uint32Array(a.length + b.length);
  all.set(a);
  all.set(b, a.length);
  return all;
}

/** Whether the user has the item in the history. Users and items outside the history have none. */
export function hasItem({ indptr, items }: ItemLists, user: number, item: number): boolean {
  if (user + 1 >= indptr.length) return false;
  const end = indptr[user + 1]!;
  const at = placeIn(items, item, indptr[user]!, end);
  return at < end && items[at] === item;
}

/** Returns the first position from .. end of an ascending list whose item is not less. */
export function placeIn(items: Uint32Array, item: number, from = 0, end = items.length): number {
  let [low, high] = [from, end];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (items[middle]! < item) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** @param stream streamOf(seed, epoch, row) @param item never drawn @returns NO_ITEM if no other item can be drawn */
export function drawNegative(
  cumulative: Float64Array,
  history: ItemLists,
  user: number,
  item: number,
  stream: number,
  n: number,
): number {
  const allowed = (drawn: number) => drawn !== item && !hasItem(history, user, drawn);
  let drawn = 0;
  for (let draw = 0; draw < MAX_DRAWS; draw++) {
    drawn = itemAt(cumulative, uniformAt(stream, n * MAX_DRAWS + draw));
    if (allowed(drawn)) return drawn;
  }
  // the user has nearly all items: takes the next allowed item instead
  const canBeDrawn = (i: number) => cumulative[i]! > (i === 0 ? 0 : cumulative[i - 1]!);
  for (let step = 1; step <= cumulative.length; step++) {
    const next = (drawn + step) % cumulative.length;
    if (canBeDrawn(next) && allowed(next)) return next;
  }
  return NO_ITEM;
}

export interface NegativeSource extends ItemCatalogue {
  users: Keys;
  history: ItemLists;
}

/** u32[numEvents] each, as numbered by the source of negatives; NO_ITEM if an event has none, or an unknown one. */
export interface EventNumbers {
  users: Uint32Array;
  items: Uint32Array;
}

export interface NegativeSourceOptions {
  /** minimum number of distinct users of an item; others are dropped because a run stores the source */
  minUsers?: number | undefined;
  /** false if the numbers of users and items by row are not needed, which then take no memory if rows are on disk */
  needsEvents?: boolean;
}

/**
 * Creates the source of negatives for a training split; also returns its users and items by row.
 *
 * @param itemFieldIndexes indexes of the fields that the item determines
 */
export function negativeSource(
  dataset: Dataset,
  rows: Uint32Array,
  encoder: Encoder,
  itemFields: ItemFields,
  itemFieldIndexes: readonly number[],
  { minUsers = 0, needsEvents = true }: NegativeSourceOptions = {},
): { source: NegativeSource; events: EventNumbers | undefined } {
  const catalogue = itemCatalogue(dataset, rows, encoder, itemFields, itemFieldIndexes, minUsers);
  const user = dataset.roles.user === undefined ? undefined : keyColumn(dataset, dataset.roles.user);
  const users = user ? selectKeys(user.dictionary, codesInRows(user, rows)) : noKeys;
  const { items } = catalogue;
  if (needsEvents || !user || !isStored({ columns: [user] })) {
    const events = { users: usersOf(users, dataset, rows), items: itemsOf(items, dataset, rows) };
    const history = historyOf(events.users, events.items, users.size);
    return { source: { ...catalogue, users, history }, events: needsEvents ? events : undefined };
  }
  const item = keyColumn(dataset, dataset.roles.item!);
  const [userOf, itemOf] = [codesAs(users, user), codesAs(items, item)];
  const slices = function* (): Generator<EventNumbers> {
    const [ofUsers, ofItems] = [new Uint32Array(SLICE_ROWS), new Uint32Array(SLICE_ROWS)];
    for (const { columns, rows: own } of slicesAt([user, item], rows)) {
      // a slice of rows that are not in ascending order consists of all rows
      const into = own.length <= SLICE_ROWS ? [ofUsers, ofItems] : [];
      const [ofUser, ofItem] = columns as [KeyColumn, KeyColumn];
      yield {
        users: asNumbers(codesIn(ofUser, own, into[0]), userOf),
        items: asNumbers(codesIn(ofItem, own, into[1]), itemOf),
      };
    }
  };
  const history = historyOfSlices(slices, users.size);
  return { source: { ...catalogue, users, history }, events: undefined };
}

/** Returns u32[rows.length]: items as numbered by the source of negatives; NO_ITEM if a row has none or an unknown one. */
export function itemsOf(items: Keys, dataset: Dataset, rows: Uint32Array): Uint32Array {
  return numbersOf(items, dataset, dataset.roles.item, rows);
}

/** Returns u32[rows.length]: users as numbered by the source of negatives; NO_ITEM if a row has none or an unknown one. */
export function usersOf(users: Keys, dataset: Dataset, rows: Uint32Array): Uint32Array {
  return numbersOf(users, dataset, dataset.roles.user, rows);
}

const noKeys: Keys = { size: 0, bytes: new Uint8Array(), offsets: new Uint32Array(1) };

function numbersOf(keys: Keys, dataset: Dataset, name: string | undefined, rows: Uint32Array): Uint32Array {
  if (name === undefined) return new Uint32Array(rows.length).fill(NO_ITEM);
  const column = keyColumn(dataset, name);
  return asNumbers(codesIn(column, rows), codesAs(keys, column));
}

/** Replaces codes by the numbers of their keys; NO_ITEM for an empty cell. */
function asNumbers(codes: Uint32Array, numberOf: Uint32Array): Uint32Array {
  for (let i = 0; i < codes.length; i++) codes[i] = codes[i] === MISSING ? NO_ITEM : numberOf[codes[i]!]!;
  return codes;
}

/** Returns u32[column.dictionary.size]: the index in `keys` of each key of the column; NO_ITEM for others. */
function codesAs(keys: Keys, { dictionary }: KeyColumn): Uint32Array {
  if (keys === dictionary) return ascending(keys.size);
  const index = new KeyIndex(keys);
  return mapTo(Uint32Array, ascending(dictionary.size), (code) => index.find(dictionary, code));
}

/** Returns u32, ascending: the codes of the keys that occur in the rows. */
export function codesInRows(column: KeyColumn, rows: Uint32Array): Uint32Array {
  const events = countKeys(column, rows);
  return thoseOf(ascending(events.length), (code) => events[code]! > 0);
}
