// arrow: an Arrow IPC file of the columns of a run's embeddings.arrow, of the rows that are asked for.

import { arrowChunks } from "../embedding/arrow.js";
import type { Selection } from "./selection.js";

/** The bytes of the file; the column `weight` is there where weights are asked for. */
export function arrowFile({
  dim,
  numRows,
  fields,
  hasWeights,
  batches,
}: Selection): AsyncGenerator<Uint8Array> {
  return arrowChunks({ dim, numRows, fields, hasWeights, batches });
}
