// Which columns go with the item, and the items of a training part with their features in these columns.

import type { Dataset, KeyColumn } from "../../dataset/dataset.js";
import { itemCatalogue, type ItemCatalogue } from "../../dataset/item-catalogue.js";
import { findItemFields, type ItemFields } from "../../dataset/item-fields.js";
import { bindEncoder } from "../../dataset/rows.js";
import type { FeatureSpace } from "../../dataset/vocabulary/vocabulary.js";
import { UsageError } from "../../errors.js";
import { importanceNeighbors, WALKED_ITEMS } from "../../dataset/graph/item-neighbors.js";
import { neighborRows, withNeighborRows } from "../../dataset/graph/neighbor-rows.js";
import type { NegativeSource } from "../../sampling/negative-source.js";
import type { NegativeFields } from "./examples.js";
import type { Watch } from "../session/watch.js";

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

export interface NeighborOptions {
  /** neighbours of an item, at most */
  most: number;
  /** what an item's neighbours weigh together; its own features weigh 1 */
  weight: number;
}

/**
 * The source with the neighbours' features in the items' rows.
 *
 * Neighbours are those of the training part alone, by what each user has (dataset/graph/item-neighbors.ts).
 *
 * @throws {UsageError} no column goes with the item: there is nothing to take over
 */
export function withItemNeighbors(
  space: FeatureSpace,
  { source, itemFields: [item, ...others] }: Pick<NegativeFields, "source" | "itemFields">,
  { most, weight, seed }: NeighborOptions & { seed: number },
  { observe }: Watch,
): NegativeSource {
  if (others.length === 0)
    throw new UsageError(
      `--item-neighbors needs side columns of '${item!}': name them with --item-fields, or join a table of ` +
        "items with --side",
    );
  const neighbors = importanceNeighbors(source.history, source.items, most, seed);
  const f = space.fields.findIndex(({ name }) => name === item);
  const own = { from: space.offsets[f]!, end: space.offsets[f + 1]! };
  const fromNeighbors = neighborRows(source.templates, neighbors, own, weight);

  const { indptr, sampledUsers } = neighbors;
  const numItems = source.items.size;
  let alone = 0;
  for (let i = 0; i < numItems; i++) if (indptr[i] === indptr[i + 1]) alone++;
  const columns = others.map((name) => `'${name}'`).join(", ");
  observe({
    stage: "note",
    text:
      `${numItems - alone} of ${numItems} items use ${columns} of ` +
      `${(indptr[numItems]! / Math.max(1, numItems - alone)).toFixed(1)} neighbours each` +
      (alone > 0 ? `; ${alone} have no neighbours, because they are alone in every user's history` : ""),
  });
  if (sampledUsers > 0)
    observe({
      stage: "warning",
      text:
        `--item-neighbors: ${sampledUsers} users have more than ${WALKED_ITEMS} items; for each of them, ` +
        `${WALKED_ITEMS} randomly sampled items are used`,
    });
  return { ...source, templates: withNeighborRows(source.templates, fromNeighbors), fromNeighbors };
}
