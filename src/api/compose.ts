// A run's table with the item as the model sees it: the sum over all its features, not the row of its id alone.

import type { Run } from "../embedding/run-directory.js";
import { UsageError } from "../errors.js";
import { capable, modelOf } from "../trainers/index.js";
import { readPreprocess } from "../training/capabilities/run-space.js";
import type { Compose } from "../training/options/run-options.js";
import type { Composed, ItemComposition } from "./composed-items.js";
import type { OpenTable } from "./tables.js";

export type { Compose };

/**
 * The table with its items composed: by default where columns go with the item.
 *
 * @throws {UsageError} they are to be composed, and the run keeps no items or is of another model
 */
export async function composeItems({ run, table }: OpenTable, how: Compose | undefined): Promise<Composed> {
  const composition = await compositionOf(run, table.fields, how);
  if (!composition) return { table };
  // most tables are as they are, and what composes takes longer to load than they do
  const { composed } = await import("./composed-items.js");
  return await composed(table, composition);
}

/** What items of a run are composed of, where there is anything to compose. @param fields of the table @throws {UsageError} as composeItems */
export async function compositionOf(
  run: Run,
  fields: readonly string[],
  how: Compose | undefined,
): Promise<ItemComposition | undefined> {
  if (how === "none") return undefined;
  const composition = how
    ? await capable(run, "composition", "cannot compose items (--compose item)")
    : (await modelOf(run))?.composition;
  if (!composition) return undefined;
  const refuse = (why: string): undefined => {
    if (how) throw new UsageError(`--compose item: run '${run.path}' ${why}`);
  };
  const preprocess = await readPreprocess(run);
  const [item, ...others] = preprocess.itemFields ?? [];
  if (item === undefined || !fields.includes(item)) return refuse("has no item field: train it with --item");
  if (others.length === 0) return refuse(`has no side columns of '${item}'`);
  const sums = await composition(run);
  return "whyNot" in sums ? refuse(sums.whyNot) : { run, sums, preprocess, item, others };
}
