// New items from their events, as a run folds them in, and from content and events together.
//
//   blend = (κ content + n folded)/(κ + n)      n  events of the item that are known, κ what content counts in events

import type { Run } from "../../embedding/run-directory.js";
import { hasBiases } from "../../export/encoded-rows.js";
import { UsageError } from "../../errors.js";
import { capable } from "../../trainers/index.js";
import { foldedRows, foldingOf } from "../../training/capabilities/folded-keys.js";
import { definedOf } from "../../training/options/defined.js";
import type { ReadLike } from "../../training/reading/read-as-trained.js";
import type { TransformOptions } from "../../training/options/transform-options.js";
import type { Watch } from "../../training/session/watch.js";

/** What ranks and is compared: a vector, and a weight of tables that have some. */
export interface ItemVector {
  vector: ArrayLike<number>;
  weight: number;
}

/**
 * The vectors that a run makes of new items' events, by key; items of whose users it knows none may have none.
 *
 * @param cannot what a run without folding in cannot do, for its refusal
 * @param given penalties of the folding
 * @throws {UsageError} the run folds in no items, or into vectors of another width than its table's
 */
export async function foldedItems(
  run: Run,
  log: ReadLike,
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

/** (κ content + n folded)/(κ + n); one of them alone where the other is not there, or weighs nothing. */
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
