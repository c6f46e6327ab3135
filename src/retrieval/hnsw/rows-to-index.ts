// Selects the rows of a field that an index contains.

import { keyAt } from "../../log/keys.js";
import type { TableRows } from "../../embedding/rows.js";
import { isHole, type EmbeddingTable, type RowRange } from "../../embedding/table.js";
import { ArtifactError, excerpt, UsageError } from "../../errors.js";
import { lengthOf } from "../nearest.js";
import type { IndexMetric } from "./space.js";

/** Numbers of rows that an index leaves out: rows without a key and, for the cosine, zero vectors. */
export interface LeftOutRows {
  holes: number;
  zeros: number;
}

/** Returns the number of rows of a range whose vectors are not zero. */
export async function numNonzero(rows: TableRows, range: RowRange): Promise<number> {
  let found = 0;
  for await (const { table } of rows.batches({ range }))
    for (let row = 0; row < table.numRows; row++)
      if (lengthOf(table.vectors, row * table.dim, table.dim) !== 0) found++;
  return found;
}

/**
 * Returns the numbers of the rows to index within a range of rows of a table.
 *
 * @param place path of the run, and field of the rows, for messages
 * @throws {ArtifactError} a vector is not finite
 * @throws {UsageError} no row has a vector
 */
export function rowsToIndex(
  table: EmbeddingTable,
  { first, last }: RowRange,
  metric: IndexMetric,
  { run, field }: { run: string; field: string },
): { rows: Uint32Array; left: LeftOutRows } {
  const { dim, vectors } = table;
  const rows: number[] = [];
  const left = { holes: 0, zeros: 0 };
  for (let row = first; row < last; row++) {
    const length = lengthOf(vectors, row * dim, dim);
    if (!Number.isFinite(length))
      throw new ArtifactError(
        `run '${run}': the vector of ${excerpt(`${field}:${keyAt(table.keys, row)}`)} is not finite; train again`,
      );
    if (isHole(table, row)) left.holes++;
    else if (metric === "cosine" && length === 0) left.zeros++;
    else rows.push(row - first);
  }
  if (rows.length === 0)
    throw new UsageError(`field ${excerpt(field)} of run '${run}' has no vectors to index`);
  return { rows: Uint32Array.from(rows), left };
}
