// Finds the columns that describe the item, and encodes the training split's items with these columns.

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

/** The training split of a log. */
interface TrainingPart {
  dataset: Dataset;
  /** indexes of the split's rows in the dataset, u32 */
  rows: Uint32Array;
}

/** Columns that describe the item, as indexes among the fields of the feature space. */
export interface ItemFieldIndexes {
  itemFields: ItemFields;
  itemFieldIndexes: number[];
  contextFieldIndexes: number[];
}

/**
 * Divides the fields into those of the item and those of the context.
 *
 * @param given columns of the item; inferred when absent
 * @throws {UsageError} one of them is not a field
 */
export function itemColumnsOf(
  space: FeatureSpace,
  { dataset, rows }: TrainingPart,
  item: KeyColumn,
  given: readonly string[] | undefined,
): ItemFieldIndexes {
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

/** Items that a run stores. */
export interface RunItems {
  catalogue: ItemCatalogue;
  itemFields: string[];
}

/**
 * Collects the items of a log that has its own labels. Returns undefined if the file of negatives stores the items, or
 * if the log has no item column with one key per row, or a hashed one.
 *
 * @throws {UsageError} `itemFields` is given, but no items can be stored
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
