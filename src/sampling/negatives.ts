// Negatives for a log of positive events: each keeps its event's user, time and context, and takes another item with
// the columns that go with it.
//
//   codes     of items and users: those of a catalogue and a history, numbered alike in all logs of one run
//   history   the items of each user in the TRAINING part: never drawn for that user. Items that are held out may be
//             drawn, since leaving them out would tell the model which they are.
//
// The n-th negative of a row is named by (seed, epoch, row, n); a draw that hits the history takes the next number.

import { ascending, thoseOf } from "../numeric/indices.js";
import { NO_ITEM, type ItemLists } from "../kernels/top-items/binding.js";
import { itemAt } from "./noise-distribution.js";
import { MISSING, selectKeys, type Keys } from "../log/keys.js";
import type { Dataset, KeyColumn } from "../dataset/dataset.js";
import { itemCatalogue, keyColumn, type ItemCatalogue, type ItemFields } from "../dataset/item-fields.js";
import { KeyIndex } from "../dataset/vocabulary/key-index.js";
import { countKeys } from "../dataset/vocabulary/key-counts.js";
import type { Encoder } from "../dataset/rows.js";
import { streamOf, uniformAt } from "../numeric/hash.js";

const MAX_DRAWS = 64;

/** Collects each user's distinct items. @param users,items u32[numEvents]; NO_ITEM for none, such events are left out */
export function historyOf(users: Uint32Array, items: Uint32Array, numUsers: number): ItemLists {
  const ends = new Uint32Array(numUsers + 1);
  const counts = (u: number, i: number) => u !== NO_ITEM && i !== NO_ITEM;
  users.forEach((u, e) => {
    if (counts(u, items[e]!)) ends[u + 1]!++;
  });
  for (let u = 0; u < numUsers; u++) ends[u + 1]! += ends[u]!;
  const all = new Uint32Array(ends[numUsers]!);
  const at = ends.slice();
  users.forEach((u, e) => {
    if (counts(u, items[e]!)) all[at[u]!++] = items[e]!;
  });

  // each user's items sorted, repeats taken out
  const indptr = new Uint32Array(numUsers + 1);
  let kept = 0;
  for (let u = 0; u < numUsers; u++) {
    const own = all.subarray(ends[u], ends[u + 1]).sort();
    own.forEach((item, j) => {
      if (j === 0 || item !== own[j - 1]) all[kept++] = item;
    });
    indptr[u + 1] = kept;
  }
  return { indptr, items: all.slice(0, kept) };
}

/** u32, beside the items of lists: whose list each stands in. */
export function ownersOfItems({ indptr, items }: ItemLists): Uint32Array {
  const owners = new Uint32Array(items.length);
  for (let list = 0; list + 1 < indptr.length; list++) owners.fill(list, indptr[list], indptr[list + 1]);
  return owners;
}

/** Lists of the items that stand in one of two lists or in both, each once. @param b as many lists as a */
export function unionOf(a: ItemLists, b: ItemLists): ItemLists {
  return historyOf(joined(ownersOfItems(a), ownersOfItems(b)), joined(a.items, b.items), a.indptr.length - 1);
}

/** u32: one array, then another. */
export function joined(a: Uint32Array, b: Uint32Array): Uint32Array {
  const all = new Uint32Array(a.length + b.length);
  all.set(a);
  all.set(b, a.length);
  return all;
}

/** True when the user has the item; users and items outside the history have none. */
export function hasItem({ indptr, items }: ItemLists, user: number, item: number): boolean {
  if (user + 1 >= indptr.length) return false;
  let low = indptr[user]!;
  let high = indptr[user + 1]!;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (items[middle]! < item) low = middle + 1;
    else high = middle;
  }
  return low < indptr[user + 1]! && items[low] === item;
}

/**
 * The n-th negative of an event.
 *
 * @param stream names the event: streamOf(seed, epoch, row)
 * @param item the event's own, never drawn
 * @returns an item, or NO_ITEM when the user has every item that can be drawn
 */
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
  // a user of nearly all items: the next one that is free
  const canBeDrawn = (i: number) => cumulative[i]! > (i === 0 ? 0 : cumulative[i - 1]!);
  for (let step = 1; step <= cumulative.length; step++) {
    const next = (drawn + step) % cumulative.length;
    if (canBeDrawn(next) && allowed(next)) return next;
  }
  return NO_ITEM;
}

/** The stream of an event's negatives. */
export function negativeStream(seed: number, epoch: number, row: number): number {
  return streamOf(seed, epoch, row);
}

export interface NegativeSource extends ItemCatalogue {
  /** the users that have events */
  users: Keys;
  history: ItemLists;
}

/**
 * @param rows u32: the training part
 * @param itemFieldIndexes fields of the space that go with the item
 * @param minUsers items with fewer distinct users are left out, since a run keeps the source
 */
export function negativeSource(
  dataset: Dataset,
  rows: Uint32Array,
  encoder: Encoder,
  itemFields: ItemFields,
  itemFieldIndexes: readonly number[],
  minUsers = 0,
): NegativeSource {
  const catalogue = itemCatalogue(dataset, rows, encoder, itemFields, itemFieldIndexes, minUsers);
  const user = dataset.roles.user === undefined ? undefined : keyColumn(dataset, dataset.roles.user);
  const users = user ? selectKeys(user.dictionary, codesInRows(user, rows)) : noKeys;
  const eventItems = itemsOf(catalogue.items, dataset, rows);
  const eventUsers = usersOf(users, dataset, rows);
  return { ...catalogue, users, history: historyOf(eventUsers, eventItems, users.size) };
}

/** u32[rows.length]: each row's item as the source numbers them; NO_ITEM when it has none or the source does not know it. */
export function itemsOf(items: Keys, dataset: Dataset, rows: Uint32Array): Uint32Array {
  return numbersOf(items, dataset, dataset.roles.item, rows);
}

/** u32[rows.length]: likewise each row's user. */
export function usersOf(users: Keys, dataset: Dataset, rows: Uint32Array): Uint32Array {
  return numbersOf(users, dataset, dataset.roles.user, rows);
}

const noKeys: Keys = { size: 0, bytes: new Uint8Array(), offsets: new Uint32Array(1) };

function numbersOf(keys: Keys, dataset: Dataset, name: string | undefined, rows: Uint32Array): Uint32Array {
  if (name === undefined) return new Uint32Array(rows.length).fill(NO_ITEM);
  const column = keyColumn(dataset, name);
  const numberOf = codesAs(keys, column);
  return rows.map((row) => (column.codes[row] === MISSING ? NO_ITEM : numberOf[column.codes[row]!]!));
}

/** u32[column.dictionary.size]: where each of the column's keys stands among `keys`; NO_ITEM for none. */
function codesAs(keys: Keys, { dictionary }: KeyColumn): Uint32Array {
  const index = new KeyIndex(keys);
  return ascending(dictionary.size).map((code) => index.find(dictionary, code));
}

function codesInRows(column: KeyColumn, rows: Uint32Array): Uint32Array {
  const events = countKeys(column, rows);
  return thoseOf(ascending(events.length), (code) => events[code]! > 0);
}
