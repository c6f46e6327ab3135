// `embed neighbors`: the rows nearest to a key's, within its field.

import { UsageError } from "../errors.js";
import { neighbors, type Metric, type Neighbor } from "../retrieval/neighbors.js";
import { openTable } from "./tables.js";

export interface NeighborsOf {
  field: string;
  key: string;
  neighbors: Neighbor[];
}

/**
 * The neighbours of each key.
 *
 * @param keys FIELD:KEY, split at the first colon
 * @throws {UsageError} a key without a field, or one that the table has not
 */
export async function neighborsOf(
  path: string,
  keys: readonly string[],
  options: { top: number; metric: Metric; table?: string },
): Promise<NeighborsOf[]> {
  const queries = keys.map((text) => {
    const colon = text.indexOf(":");
    if (colon < 1) throw new UsageError(`--key expects FIELD:KEY, such as item:85123A, got '${text}'`);
    return { field: text.slice(0, colon), key: text.slice(colon + 1) };
  });
  const { table, fieldNamed } = await openTable(path, options.table);
  return queries.map(({ field: named, key }) => {
    const field = fieldNamed(named);
    return { field, key, neighbors: neighbors(table, field, key, options) };
  });
}
