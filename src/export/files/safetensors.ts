// safetensors: a table as named tensors in one file.
//
//   vectors      f32[rows, dim], or f16, or i8 with scales f32[rows] (--dtype)
//   counts       u32[rows]
//   weights      f32[rows], if requested
//   keys         u8[bytes]      the rows' keys as UTF-8, one after another (`field:key` without --field)
//   keyOffsets   i64[rows + 1]  key r is keys[keyOffsets[r] .. keyOffsets[r + 1])
//
// Rows that --row-order left without a key keep their numbers, with an empty key. If several fields are chosen, each
// has tensors of its own, `FIELD.vectors` and so on. With --reserve the metadata describes the reserved rows.

import { isHole } from "../../table/table.js";
import { safetensorsHead, type TensorShape } from "../../table/safetensors.js";
import { fileFormat } from "../format.js";
import { dtypeNames, encoded } from "../dtype.js";
import { reserveMetadata } from "../reserve.js";
import type { Chunks } from "../../base/io/write.js";
import { byteView, oneKeyBytes, type ExportBatch, type Selection } from "../selection.js";

export const safetensors = fileFormat({
  summary: "tensors vectors, counts, keys and keyOffsets",
  oneKeyColumn: true,
  keepsRows: true,
  layers: true,
  takesDtype: true,
  chunks: safetensorsTable,
});

interface StreamedTensor extends TensorShape {
  chunks: () => Chunks;
}

/** Yields the bytes of the file. One pass over the keys determines their length, then one pass writes each tensor. */
async function* safetensorsTable(selection: Selection): AsyncGenerator<Uint8Array> {
  const tensors = new Map<string, StreamedTensor>();
  for (const layer of selection.layers ?? [selection])
    for (const [name, tensor] of Object.entries(await tensorsOf(layer)))
      tensors.set(selection.layers ? `${layer.field}.${name}` : name, tensor);
  const { head, order } = safetensorsHead(tensors, reserveMetadata(selection));
  yield head;
  for (const name of order) yield* tensors.get(name)!.chunks();
}

async function tensorsOf(selection: Selection): Promise<Record<string, StreamedTensor>> {
  const { dim, numRows, hasWeights, dtype = "f32" } = selection;
  let numBytes = 0;
  for await (const batch of selection.batches({ vectors: false })) numBytes += concatenatedKeys(batch).length;
  const tensor = (
    type: TensorShape["dtype"],
    shape: number[],
    of: (batch: ExportBatch) => Uint8Array,
    vectors = false,
  ): StreamedTensor => ({
    ...{ dtype: type, shape },
    chunks: async function* () {
      for await (const batch of selection.batches({ vectors })) yield of(batch);
    },
  });
  const vectors = ({ table }: ExportBatch) => encoded(table.vectors, dim, dtype);
  const offsets = tensor("I64", [numRows + 1], offsetsWriter());
  return {
    vectors: tensor(
      dtypeNames[dtype].safetensors,
      [numRows, dim],
      (batch) => byteView(vectors(batch).values),
      true,
    ),
    ...(dtype === "i8" && {
      scales: tensor("F32", [numRows], (batch) => byteView(vectors(batch).scales!), true),
    }),
    counts: tensor("U32", [numRows], ({ table }) => byteView(table.counts)),
    keys: tensor("U8", [numBytes], concatenatedKeys),
    keyOffsets: {
      ...offsets,
      chunks: async function* () {
        // the first offset is 0, where the first key starts
        yield new Uint8Array(8);
        yield* offsets.chunks();
      },
    },
    ...(hasWeights && { weights: tensor("F32", [numRows], ({ weights }) => byteView(weights!)) }),
  };
}

function concatenatedKeys(batch: ExportBatch): Uint8Array {
  const { table, field } = batch;
  if (field !== undefined) return table.keys.bytes;
  return Buffer.concat(Array.from({ length: table.numRows }, (_, row) => keyOf(batch, row)));
}

function keyOf(batch: ExportBatch, row: number): Uint8Array {
  return isHole(batch.table, row) ? new Uint8Array() : oneKeyBytes(batch, row);
}

/** Returns a function that returns the end offsets of the keys in successive batches, as i64. */
function offsetsWriter(): (batch: ExportBatch) => Uint8Array {
  let end = 0;
  return (batch) => {
    const { table } = batch;
    const ends = new BigInt64Array(table.numRows);
    for (let row = 0; row < table.numRows; row++) ends[row] = BigInt((end += keyOf(batch, row).length));
    return byteView(ends);
  };
}
