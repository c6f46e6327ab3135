// arrow: an Arrow IPC file with the columns of a run's embeddings.arrow, for the selected rows.
//
// With --dtype f16 lists contain halves, with i8 they contain i8 and the column `scale` (f32) precedes them. With
// --reserve the schema's metadata describes the reserved rows.

import { arrowChunks, type NarrowVectors } from "../../table/arrow.js";
import type { EmbeddingTable } from "../../table/table.js";
import { encoded } from "../dtype.js";
import { fileFormat } from "../format.js";
import { reserveMetadata } from "../reserve.js";
import type { Selection } from "../selection.js";

/** The file has a column `weight` only if weights are requested. */
function arrowFile(selection: Selection): AsyncGenerator<Uint8Array> {
  const { dim, numRows, fields, hasWeights, dtype = "f32" } = selection;
  const rows = {
    dim,
    numRows,
    fields,
    hasWeights,
    async *batches() {
      for await (const { start, table } of selection.batches()) {
        // weights that were not requested are removed, because the columns must match the schema
        const { weights: _, ...others } = table;
        yield { start, table: hasWeights ? table : others };
      }
    },
  };
  const narrow = dtype === "f32" ? undefined : { type: dtype, of: narrowed };
  return arrowChunks(rows, narrow, reserveMetadata(selection));

  function narrowed({ vectors }: EmbeddingTable): ReturnType<NarrowVectors["of"]> {
    return encoded(vectors, dim, dtype);
  }
}

export const arrow = fileFormat({
  summary: "Arrow IPC file: field, key, count, vector",
  keepsRows: true,
  takesDtype: true,
  chunks: arrowFile,
});
