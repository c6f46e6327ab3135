// What changed in a run's table since an earlier one.

import type { Drift } from "../../report/content.js";
import { join } from "node:path";
import { readPublication } from "../../embedding/publication.js";
import { pathExists } from "../../io/read-artifact.js";
import { diffField } from "../diff.js";
import type { Watch } from "../../training/session/watch.js";
import type { ReportOptions } from "./options.js";
import { openTable, type OpenTable } from "../tables.js";
import type { Names } from "./names.js";

/** Neighbours that are compared, and keys that are named as those that moved most. */
export const NEIGHBOURS = 10;
/** Rows of a field that are compared: each with all others. */
export const COMPARED_ROWS = 2000;

/** The drift since --against, or since the version before in the store; undefined where there is neither. */
export async function driftOf(
  opened: OpenTable,
  { against: given, table: name, reading }: ReportOptions,
  { signal }: Watch,
  names: Names,
  absent: string[],
): Promise<Drift | undefined> {
  const against = given ?? (await versionBefore(opened.run.path));
  if (against === undefined || against === opened.run.path) return undefined;
  const { table } = opened;
  const before = await openTable(against, name);
  const fields = before.table.fields.filter((field) => table.fields.includes(field));
  if (fields.length === 0) {
    absent.push(`drift: '${against}' has none of its fields`);
    return undefined;
  }
  const options = { k: NEIGHBOURS, top: NEIGHBOURS, threads: reading.threads, signal };
  const compared = [];
  for (const field of fields) {
    const found = await diffField(field, before.table, table, options, COMPARED_ROWS);
    compared.push({ ...found, moved: found.moved.map(names.ofField(opened, field)) });
  }
  return { against, k: NEIGHBOURS, fields: compared, metrics: before.run.manifest.metrics };
}

/** The version that was the latest before this one, where it is still kept. */
async function versionBefore(path: string): Promise<string | undefined> {
  const previous = (await readPublication(path))?.previous;
  if (!previous) return undefined;
  const before = join(path, "..", previous);
  return (await pathExists(before)) ? before : undefined;
}
