// Rows on their way to disk with hashes in place of ids: codes pass as they are, dictionaries are replaced at the end.

import type { StreamedRows } from "./build.js";
import type { ColumnPlan, ColumnSink } from "./columns.js";
import type { KeyHashing, Roles } from "./dataset.js";
import { hashedCells, planHashing, type HashingRequest } from "./hash-keys.js";

/** Makes the sink for a log's columns, as streamRows calls it. */
export type OpenSink = (columns: readonly ColumnPlan[], roles: Roles) => ColumnSink;

/**
 * The rows as they are streamed, with hashed dictionaries.
 *
 * @param stream sends all rows to the sink that it opens (streamRows)
 * @throws {UsageError} as planHashing, before a row is read; a separator that may stand in a hash
 */
export async function streamHashed(
  request: HashingRequest,
  stream: (open: OpenSink) => Promise<StreamedRows>,
  open: OpenSink,
): Promise<StreamedRows & { hashKeys: KeyHashing }> {
  let plans: readonly ColumnPlan[] = [];
  let hashKeys: KeyHashing | undefined;
  const rows = await stream((columns, roles) => {
    hashKeys = planHashing(roles, (plans = columns), request);
    return open(columns, roles);
  });
  const { columns } = hashKeys!;
  const dictionaries = rows.dictionaries.map((cells, i) =>
    columns.includes(plans[i]!.name) ? hashedCells(plans[i]!, cells, request.hash) : cells,
  );
  return { ...rows, dictionaries, hashKeys: hashKeys! };
}
