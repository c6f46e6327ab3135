// Which columns go with the item, and the items of a training part with their features in these columns.

import type { Dataset, KeyColumn } from "../../dataset/dataset.js";
import {
  itemCatalogue,
  type ItemCatalogue,
  findItemFields,
  type ItemFields,
} from "../../dataset/item-fields.js";
import { bindEncoder } from "../../dataset/rows.js";
import type { FeatureSpace } from "../../dataset/vocabulary/vocabulary.js";
import { UsageError } from "../../errors.js";

/** The training part of a log. */
interface TrainingPart {
  dataset: Dataset;
  /** u32 */
  rows: Uint32Array;
}

/** The item's columns, and where they stand among the fields of the space. */
export interface ItemColumns {
  itemFields: ItemFields;
  itemFieldIndexes: number[];
  contextFieldIndexes: number[];
}

/** @param given the columns that go with the item, instead of inference. @throws {UsageError} one of them is no field */
export function itemColumnsOf(
  space: FeatureSpace,
  { dataset, rows }: TrainingPart,
  item: KeyColumn,
  given: readonly string[] | undefined,
): ItemColumns {
  const { user } = dataset.roles;
  const names = space.fields.map(({ name }) => name);
  const candidates = names.filter((name) => name !== item.name && name !== user);
  const odd = given?.find((name) => name !== item.name && !candidates.includes(name));
  if (odd !== undefined) {
    const those = [item.name, ...candidates].join(", ");
    throw new UsageError(
      `--item-fields names '${odd}', which is not a feature of the item: possible columns are ${those}`,
    );
  }
  const itemFields = findItemFields(dataset, rows, item, candidates, given);
  const indexes = space.fields.map((_, f) => f);
  const isItems = (f: number) => itemFields.names.includes(space.fields[f]!.name);
  return {
    itemFields,
    itemFieldIndexes: indexes.filter(isItems),
    contextFieldIndexes: indexes.filter((f) => !isItems(f)),
  };
}

/** What a run keeps of its items. */
export interface RunItems {
  catalogue: ItemCatalogue;
  itemFields: string[];
}

/**
 * The items of a log with labels of its own. Undefined where negatives keep them, and where there are none to keep: without
 * an item column of one key a row, or with one that is hashed to buckets.
 *
 * @throws {UsageError} columns are given as an item's, and no items are kept
 */
export function itemsOfRun(
  space: FeatureSpace,
  part: TrainingPart,
  { negatives }: { negatives?: unknown },
  { itemFields: given, minUsers }: { itemFields?: string[]; minUsers?: number },
): RunItems | undefined {
  if (negatives) return undefined;
  const { dataset, rows } = part;
  const { item } = dataset.roles;
  const column = item === undefined ? undefined : dataset.columns.find(({ name }) => name === item);
  const field = space.fields.find(({ name }) => name === item);
  const isHashed = field?.kind === "key" && field.hash !== undefined;
  if (column?.kind !== "key" || isHashed) {
    if (!given) return undefined;
    throw new UsageError(
      "--item-fields needs an item column with one key per row and without --hash: name it with --item",
    );
  }
  const { itemFields, itemFieldIndexes } = itemColumnsOf(space, part, column, given);
  const encoder = bindEncoder(space, dataset);
  return {
    catalogue: itemCatalogue(dataset, rows, encoder, itemFields, itemFieldIndexes, minUsers),
    itemFields: itemFields.names,
  };
}
