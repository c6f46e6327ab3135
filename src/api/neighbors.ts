// `embed neighbors`: the rows nearest to a key's, within its field.

import { UsageError } from "../errors.js";
import { neighbors, type Metric, type Neighbor } from "../retrieval/neighbors.js";
import { composeItems, type Compose } from "./compose.js";
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
 * @param tell hears what an item's vector is, where it is not its row
 * @throws {UsageError} a key without a field, or one that the table has not
 */
export async function neighborsOf(
  path: string,
  keys: readonly string[],
  options: { top: number; metric: Metric; table?: string; compose?: Compose },
  tell: (note: string) => void = () => undefined,
): Promise<NeighborsOf[]> {
  const queries = keys.map((text) => {
    const colon = text.indexOf(":");
    if (colon < 1) throw new UsageError(`--key expects FIELD:KEY, such as item:85123A, got '${text}'`);
    return { field: text.slice(0, colon), key: text.slice(colon + 1) };
  });
  const opened = await openTable(path, options.table);
  const { fieldNamed } = opened;
  const composed = await composeItems(opened, options.compose);
  if (composed.note && queries.some(({ field }) => fieldNamed(field) === composed.item)) tell(composed.note);
  return queries.map(({ field: named, key }) => {
    const field = fieldNamed(named);
    return { field, key, neighbors: neighbors(composed.table, field, key, options) };
  });
}
