// safetensors: a table as named tensors in one file.
//
//   vectors      f32[rows, dim], or f16, or i8 with scales f32[rows] (--dtype)
//   counts       u32[rows]
//   weights      f32[rows], if requested
//   keys         u8[bytes]      the rows' keys as UTF-8, one after another (`field:key` without --field)
//   keyOffsets   i64[rows + 1]  key r is keys[keyOffsets[r] .. keyOffsets[r + 1])
//
// Holes of --row-order keep their rows, with an empty key.

import { isHole } from "../../embedding/table.js";
import { safetensorsHead, type TensorShape } from "../../embedding/safetensors.js";
import { fileFormat } from "../format.js";
import { dtypeNames, encoded } from "../dtype.js";
import { byteView, oneKeyBytes, type ExportBatch, type Selection } from "../selection.js";

export const safetensors = fileFormat({
  summary: "tensors vectors, counts, keys and keyOffsets",
  oneKeyColumn: true,
  keepsRows: true,
  takesDtype: true,
  chunks: safetensorsTable,
});

/** Yields the bytes of the file: a pass over the keys for their length, then one per tensor. */
async function* safetensorsTable(selection: Selection): AsyncGenerator<Uint8Array> {
  const { dim, numRows, hasWeights, dtype = "f32" } = selection;
  let numBytes = 0;
  for await (const batch of selection.batches({ vectors: false })) numBytes += concatenatedKeys(batch).length;
  const tensors: Record<string, TensorShape & { of: (batch: ExportBatch) => Uint8Array }> = {
    vectors: {
      dtype: dtypeNames[dtype].safetensors,
      shape: [numRows, dim],
      of: ({ table }) => byteView(encoded(table.vectors, dim, dtype).values),
    },
    ...(dtype === "i8" && {
      scales: {
        dtype: "F32",
        shape: [numRows],
        of: ({ table }) => byteView(encoded(table.vectors, dim, dtype).scales!),
      },
    }),
    counts: { dtype: "U32", shape: [numRows], of: ({ table }) => byteView(table.counts) },
    keys: { dtype: "U8", shape: [numBytes], of: concatenatedKeys },
    keyOffsets: { dtype: "I64", shape: [numRows + 1], of: offsetsWriter() },
    ...(hasWeights && {
      weights: { dtype: "F32", shape: [numRows], of: ({ weights }) => byteView(weights!) },
    }),
  };
  const { head, order } = safetensorsHead(new Map(Object.entries(tensors)));
  yield head;
  for (const name of order) {
    // the start of the first key
    if (name === "keyOffsets") yield new Uint8Array(8);
    for await (const batch of selection.batches({ vectors: name === "vectors" || name === "scales" }))
      yield tensors[name]!.of(batch);
  }
}

/** Returns the concatenated keys of a batch. */
function concatenatedKeys(batch: ExportBatch): Uint8Array {
  const { table, field } = batch;
  if (field !== undefined) return table.keys.bytes;
  return Buffer.concat(Array.from({ length: table.numRows }, (_, row) => keyOf(batch, row)));
}

function keyOf(batch: ExportBatch, row: number): Uint8Array {
  return isHole(batch.table, row) ? new Uint8Array() : oneKeyBytes(batch, row);
}

/** Returns a function that returns the end of each key of successive batches, as i64. */
function offsetsWriter(): (batch: ExportBatch) => Uint8Array {
  let end = 0;
  return (batch) => {
    const { table } = batch;
    const ends = new BigInt64Array(table.numRows);
    for (let row = 0; row < table.numRows; row++) ends[row] = BigInt((end += keyOf(batch, row).length));
    return byteView(ends);
  };
}
