// The items of a training part: their keys, how often each occurs, and the features of each.

import { selectKeys, type Keys } from "../log/keys.js";
import { columnNamed, type Dataset, type KeyColumn } from "./dataset.js";
import type { ItemFields } from "./item-fields.js";
import type { Encoder, FeatureRows } from "./rows.js";
import { countKeys } from "./vocabulary/key-counts.js";
import { distinctUsers } from "./vocabulary/vocabulary-limits.js";

export interface ItemCatalogue {
  /** the items that have events */
  items: Keys;
  /** u32[items.size]: their events */
  counts: Uint32Array;
  /** one row an item: its own feature and those of the columns that go with it; labels are unused */
  templates: FeatureRows;
  /** what of `templates` is from the item's neighbours (neighbor-rows.ts); absent where nothing is */
  fromNeighbors?: FeatureRows;
}

/**
 * @param rows u32: the training part
 * @param itemFieldIndexes fields of the space that go with the item
 * @param minUsers items with fewer distinct users are left out, since a run keeps the catalogue
 */
export function itemCatalogue(
  dataset: Dataset,
  rows: Uint32Array,
  encoder: Encoder,
  itemFields: ItemFields,
  itemFieldIndexes: readonly number[],
  minUsers = 0,
): ItemCatalogue {
  const item = keyColumn(dataset, dataset.roles.item!);
  const usersOfItem = minUsers > 0 ? distinctUsers(dataset, item, rows) : undefined;
  const events = countKeys(item, rows);
  const known = Uint32Array.from(events.keys()).filter(
    (code) => events[code]! > 0 && (!usersOfItem || usersOfItem[code]! >= minUsers),
  );
  const templateRows = known.map((code) => itemFields.templateRow[code]!);
  return {
    items: selectKeys(item.dictionary, known),
    counts: known.map((code) => events[code]!),
    templates: encoder.encode(templateRows, new Float32Array(known.length), itemFieldIndexes),
  };
}

/** The column of keys of that name. */
export function keyColumn(dataset: Dataset, name: string): KeyColumn {
  const column = columnNamed(dataset, name);
  if (column.kind !== "key") throw new RangeError(`column '${name}' is not read as keys`);
  return column;
}
