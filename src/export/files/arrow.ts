// arrow: an Arrow IPC file of the columns of a run's embeddings.arrow, of the rows that are asked for.
//
// --dtype f16 has lists of halves, i8 lists of i8 and the column `scale` (f32) before them.

import { arrowChunks } from "../../embedding/arrow.js";
import { encoded } from "../dtype.js";
import { fileFormat } from "../format.js";
import type { Selection } from "../selection.js";

/** The column `weight` is there where weights are asked for. */
function arrowFile(selection: Selection): AsyncGenerator<Uint8Array> {
  const { dim, numRows, fields, hasWeights, dtype = "f32" } = selection;
  const rows = {
    dim,
    numRows,
    fields,
    hasWeights,
    async *batches() {
      for await (const { start, table } of selection.batches()) {
        // a table's weights are there whether or not they are asked for, and the columns are those of the schema
        const { weights: _, ...others } = table;
        yield { start, table: hasWeights ? table : others };
      }
    },
  };
  if (dtype === "f32") return arrowChunks(rows);
  return arrowChunks(rows, { type: dtype, of: ({ vectors }) => encoded(vectors, dim, dtype) });
}

export const arrow = fileFormat({
  summary: "Arrow IPC file: field, key, count, vector",
  keepsRows: true,
  takesDtype: true,
  chunks: arrowFile,
});
