import type { Run } from "../table/run-directory.js";
import { UsageError } from "../base/errors.js";
import { capable, modelOf } from "../trainers/index.js";
import { readPreprocess } from "../training/capabilities/run-space.js";
import type { Compose } from "../training/shared-options/run-options.js";
import type { Composed, ItemComposition } from "./composed-items.js";
import type { OpenTable } from "./tables.js";

export type { Compose };

/**
 * Returns the table with its items composed: an item's vector becomes a sum over its columns. By default, items are
 * composed if the run has side columns of items; --compose item makes their absence an error.
 */
export async function composeItems({ run, table }: OpenTable, how: Compose | undefined): Promise<Composed> {
  const composition = await compositionOf(run, table.fields, how);
  if (!composition) return { table };
  // imports the module on demand, because few tables are composed, and the import takes long
  const { composed } = await import("./composed-items.js");
  return await composed(table, composition);
}

/** Returns which columns compose item vectors, if any do. @param fields the table's fields @throws as composeItems */
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
