// What negatives are drawn from, learned from the training part alone: the items with their popularity and their
// features, and what each user has.

import { MISSING, columnNamed, type Dataset, type KeyColumn } from "../dataset/dataset.js";
import type { ItemFields } from "../dataset/item-fields.js";
import { KeyIndex } from "../dataset/key-index.js";
import type { Encoder, FeatureRows } from "../dataset/rows.js";
import { selectKeys } from "../dataset/vocabulary.js";
import { distinctUsers } from "../dataset/vocabulary-limits.js";
import type { Dictionary } from "../log/dictionary.js";
import { historyOf, NO_ITEM, type History } from "./negatives.js";

export interface NegativeSource {
  /** the items that have events */
  items: Dictionary;
  /** u32[items.size]: their events */
  counts: Uint32Array;
  /** one row an item: its own feature and those of the columns that go with it; labels are unused */
  templates: FeatureRows;
  /** the users that have events */
  users: Dictionary;
  history: History;
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
  const item = keyColumn(dataset, dataset.roles.item!);
  const user = dataset.roles.user === undefined ? undefined : keyColumn(dataset, dataset.roles.user);
  const usersOfItem = minUsers > 0 ? distinctUsers(dataset, item, rows) : undefined;
  const known = codesInRows(item, rows).filter((code) => !usersOfItem || usersOfItem[code]! >= minUsers);
  const items = selectKeys(item.dictionary, known);
  const users = user ? selectKeys(user.dictionary, codesInRows(user, rows)) : noKeys;
  const itemOf = codesAs(items, item);
  const eventItems = rows.map((row) => (item.codes[row] === MISSING ? NO_ITEM : itemOf[item.codes[row]!]!));
  const eventUsers = usersOf(users, dataset, rows);

  const counts = new Uint32Array(items.size);
  for (const i of eventItems) if (i !== NO_ITEM) counts[i]!++;
  const templateRows = known.map((code) => itemFields.templateRow[code]!);
  return {
    items,
    counts,
    templates: encoder.encode(templateRows, new Float32Array(items.size), itemFieldIndexes),
    users,
    history: historyOf(eventUsers, eventItems, users.size),
  };
}

/** u32[rows.length]: each row's item as the source numbers them; NO_ITEM when it has none or the source does not know it. */
export function itemsOf(items: Dictionary, dataset: Dataset, rows: Uint32Array): Uint32Array {
  return numbersOf(items, dataset, dataset.roles.item, rows);
}

/** u32[rows.length]: likewise each row's user. */
export function usersOf(users: Dictionary, dataset: Dataset, rows: Uint32Array): Uint32Array {
  return numbersOf(users, dataset, dataset.roles.user, rows);
}

const noKeys: Dictionary = { size: 0, bytes: new Uint8Array(), offsets: new Uint32Array(1) };

function numbersOf(
  keys: Dictionary,
  dataset: Dataset,
  name: string | undefined,
  rows: Uint32Array,
): Uint32Array {
  if (name === undefined) return new Uint32Array(rows.length).fill(NO_ITEM);
  const column = keyColumn(dataset, name);
  const numberOf = codesAs(keys, column);
  return rows.map((row) => (column.codes[row] === MISSING ? NO_ITEM : numberOf[column.codes[row]!]!));
}

/** u32[column.dictionary.size]: where each of the column's keys stands among `keys`; NO_ITEM for none. */
function codesAs(keys: Dictionary, { dictionary }: KeyColumn): Uint32Array {
  const index = new KeyIndex(keys);
  return Uint32Array.from({ length: dictionary.size }, (_, code) => index.find(dictionary, code));
}

function codesInRows({ codes, dictionary }: KeyColumn, rows: Uint32Array): Uint32Array {
  const seen = new Uint8Array(dictionary.size);
  for (const row of rows) if (codes[row] !== MISSING) seen[codes[row]!] = 1;
  return Uint32Array.from(seen.keys()).filter((code) => seen[code] === 1);
}

function keyColumn(dataset: Dataset, name: string): KeyColumn {
  const column = columnNamed(dataset, name);
  if (column.kind !== "key") throw new RangeError(`column '${name}' is not read as keys`);
  return column;
}
