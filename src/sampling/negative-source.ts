// What negatives are drawn from, learned from the training part alone: the items with their popularity and their
// features, and what each user has.

import { MISSING, selectKeys, type Keys } from "../log/keys.js";
import type { Dataset, KeyColumn } from "../dataset/dataset.js";
import { itemCatalogue, keyColumn, type ItemCatalogue } from "../dataset/item-catalogue.js";
import type { ItemFields } from "../dataset/item-fields.js";
import { KeyIndex } from "../dataset/vocabulary/key-index.js";
import { countKeys } from "../dataset/vocabulary/key-counts.js";
import type { Encoder } from "../dataset/rows.js";
import { historyOf } from "./negatives.js";
import { NO_ITEM, type ItemLists } from "../kernels/top-items/binding.js";

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
  return Uint32Array.from({ length: dictionary.size }, (_, code) => index.find(dictionary, code));
}

function codesInRows(column: KeyColumn, rows: Uint32Array): Uint32Array {
  const events = countKeys(column, rows);
  return Uint32Array.from(events.keys()).filter((code) => events[code]! > 0);
}
