// Items that take over side features of their neighbours, so that an item of few events is known by what it is seen with.

import { importanceNeighbors, WALKED_ITEMS } from "../../dataset/graph/item-neighbors.js";
import { neighborRows, withNeighborRows } from "../../dataset/graph/neighbor-rows.js";
import type { FeatureSpace } from "../../dataset/vocabulary/vocabulary.js";
import { UsageError } from "../../errors.js";
import type { NegativeSource } from "../../sampling/negative-source.js";
import type { NegativeFields } from "./examples.js";
import type { Watch } from "../session/watch.js";

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
