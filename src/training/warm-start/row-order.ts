// --row-order: the rows of an earlier run, for a vocabulary that keeps them where they are.

import { countHoles } from "../../dataset/row-order.js";
import type { EarlierRows, FeatureSpace } from "../../dataset/vocabulary/vocabulary.js";
import { openRun } from "../../embedding/run-directory.js";
import { keysOfRows, rowsOf } from "../../embedding/table.js";

/**
 * The rows of each field in a run's table.
 *
 * @param path undefined: there are none to keep
 * @throws {NoInputError} no such run @throws {ArtifactError} damaged
 */
export async function earlierRows(path: string | undefined): Promise<EarlierRows> {
  if (path === undefined) return () => undefined;
  const table = await (await openRun(path)).readTable();
  return (field) => (table.fields.includes(field) ? keysOfRows(table, rowsOf(table, field)) : undefined);
}

/** A sentence for each field of which rows were kept: how many were appended, and how many are holes. */
export function rowOrderNotes({ fields }: FeatureSpace, earlier: EarlierRows): string[] {
  return fields.flatMap((field) => {
    if (field.kind === "number" || field.kind === "bins" || field.hash) return [];
    const before = earlier(field.name);
    if (!before) return [];
    const holes = countHoles(field.keys);
    return [
      `'${field.name}' keeps the order of ${before.size} rows: ${field.keys.size - before.size} appended, ` +
        `${holes} empty`,
    ];
  });
}
