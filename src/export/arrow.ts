// arrow: an Arrow IPC file of the columns of a run's embeddings.arrow, of the rows that are asked for.

import { arrowChunks } from "../embedding/arrow.js";
import { pickRows } from "../embedding/table.js";
import type { Selection } from "./selection.js";

/** The bytes of the file; the column `weight` is there where weights are asked for. */
export function arrowFile({ table, weights, first, last }: Selection): AsyncGenerator<Uint8Array> {
  const isWhole = first === 0 && last === table.numRows;
  const rows = isWhole
    ? table
    : pickRows(
        table,
        Uint32Array.from({ length: last - first }, (_, i) => first + i),
      );
  const { weights: own, ...others } = rows;
  return arrowChunks(weights && own ? { ...others, weights: own } : others);
}
