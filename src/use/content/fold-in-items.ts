// Vectors of new items that the run's model folds in from events, and blends of these vectors with vectors predicted
// from content.
//
//   blend = (κ content + n folded)/(κ + n)      n  known events of the item; κ  weight of the content, in events

import type { Run } from "../../table/run-directory.js";
import { hasBiases } from "../../export/encoded-rows.js";
import { UsageError } from "../../base/errors.js";
import { capable } from "../../trainers/index.js";
import { foldedRows, foldingOf } from "../../training/capabilities/folded-keys.js";
import { definedOf } from "../../options/table.js";
import type { FurtherLog } from "../../training/reading/open-as-trained.js";
import type { TransformOptions } from "../../training/shared-options/transform-options.js";
import type { Watch } from "../../training/session/watch.js";

/** The vector and the weight by which an item is ranked; the weight is 0 for tables without weights. */
export interface ItemVector {
  vector: ArrayLike<number>;
  weight: number;
}

/**
 * Folds in new items from their events. Items whose users are all unknown to the run may be absent from the result.
 *
 * @param cannot beginning of the error message if the run's model cannot fold in items
 * @returns vectors and weights by item key
 */
export async function foldedItems(
  run: Run,
  log: FurtherLog,
  dim: number,
  cannot: string,
  watch: Watch,
  given: Pick<TransformOptions, "l2Weight" | "l2Vector"> = {},
): Promise<{ items: Map<string, ItemVector>; warnings: string[] }> {
  const foldIn = await capable(run, "foldIn", cannot);
  const { l2Weight, l2Vector } = given;
  const options = { ...foldingOf(log, "item"), ...definedOf({ l2Weight, l2Vector }) };
  const { encoding, rows, warnings } = await foldedRows(run, foldIn, options, watch);
  if (encoding.columns.length !== dim)
    throw new UsageError(
      `run '${run.path}' folds items into vectors of length ${encoding.columns.length}, but its table has ` +
        `dimension ${dim}`,
    );
  const items = new Map<string, ItemVector>();
  for await (const { numRows, values, biases, keyOf } of rows)
    for (let row = 0; row < numRows; row++)
      items.set(Buffer.from(keyOf(row)).toString("utf8"), {
        vector: values.slice(row * dim, (row + 1) * dim),
        weight: hasBiases(encoding) ? (biases?.[row] ?? 0) : 0,
      });
  return { items, warnings };
}

/** Weighs an item's content as `priorEvents` events against its events; if it has only one vector, returns that. */
export function blended(
  content: ItemVector | undefined,
  folded: ItemVector | undefined,
  count: number,
  priorEvents: number,
): ItemVector | undefined {
  if (!content || !folded || count === 0) return count > 0 && folded ? folded : content;
  const share = count / (priorEvents + count);
  const mix = (a: number, b: number) => (1 - share) * a + share * b;
  return {
    vector: Float64Array.from(content.vector, (x, d) => mix(x, folded.vector[d]!)),
    weight: mix(content.weight, folded.weight),
  };
}
