// fnn: initial values of the first layer of a factorization-machine supported neural network.
//
//   fnn.safetensors    w0 f32[1]; for each field, named by it, f32[rows, 1 + k]: row i is [w_i, v_i1 .. v_ik]
//   vocab.json         field -> key -> row of the field's tensor; a numeric field has one row with the key ""
//
// Rows are in the run's order, so that `firstRow` of preprocess.json plus a row here is a row of embeddings.arrow; with
// --reserve the padding and out-of-vocabulary rows are among them, and the file's metadata states their numbers
// (reserveMetadata). An item's row belongs to its id alone: the network reads the item's other columns through the
// tensors of those columns.
//
// Source: Zhang, Du and Wang 2016 (arXiv:1601.02376), section 3.1, eq. 3: z_i = (w_i, v_i), beside w0.

import { UsageError, excerpt } from "../../base/errors.js";
import { safetensorsChunks, type Tensor } from "../../table/safetensors.js";
import { isHole, rowsOf } from "../../table/table.js";
import { directoryFormat } from "../format.js";
import { ByteWriter } from "./byte-writer.js";
import { jsonString } from "./jsonl.js";
import { reserveMetadata } from "../reserve.js";
import type { Chunks } from "../../base/io/write.js";
import { keyBytes, type ExportBatch, type ModelFacts, type Selection } from "../selection.js";

const BIAS = "w0";
const METADATA = "__metadata__";

export const fnn = directoryFormat("fnn", ["fnn.safetensors", "vocab.json"], {
  summary: "directory of fnn.safetensors ([w, v] by field, w0) and vocab.json, to initialize a network",
  keepsRows: true,
  isOfModel: true,
  files: fnnFiles,
});

function fnnFiles(selection: Selection): Map<string, Chunks> {
  const { model, field } = selection;
  if (!model)
    throw new UsageError("format fnn needs the w0, the weights and the vectors of a factorization machine");
  const fields = field === undefined ? selection.fields : [field];
  const taken = [BIAS, METADATA].find((name) => fields.includes(name));
  if (taken !== undefined)
    throw new UsageError(
      `field name ${excerpt(taken)} is reserved for ${taken === BIAS ? "the bias" : "safetensors metadata"}: ` +
        "rename the column",
    );
  const metadata = reserveMetadata(selection);
  return new Map<string, Chunks>([
    ["fnn.safetensors", tensorChunks(selection, model, fields, metadata)],
    ["vocab.json", vocabularyChunks(selection, fields)],
  ]);
}

async function* tensorChunks(
  selection: Selection,
  { w0, dim }: ModelFacts,
  fields: readonly string[],
  metadata: Record<string, string> | undefined,
): AsyncGenerator<Uint8Array> {
  const batch = await selection.whole();
  const tensors = new Map<string, Tensor>([[BIAS, { shape: [1], data: Float32Array.of(w0) }]]);
  for (const name of fields) tensors.set(name, fieldTensor(batch, name, dim));
  yield* safetensorsChunks(tensors, metadata);
}

/** @param dim 0 for a linear model, whose table contains the weights as vectors */
function fieldTensor({ table }: ExportBatch, name: string, dim: number): Tensor {
  const { first, last } = rowsOf(table, name);
  const width = 1 + dim;
  const data = new Float32Array((last - first) * width);
  for (let row = first; row < last; row++) {
    const at = (row - first) * width;
    data[at] = table.weights![row]!;
    data.set(table.vectors.subarray(row * table.dim, row * table.dim + dim), at + 1);
  }
  return { shape: [last - first, width], data };
}

async function* vocabularyChunks(
  selection: Selection,
  fields: readonly string[],
): AsyncGenerator<Uint8Array> {
  const { table } = await selection.whole();
  const out = new ByteWriter();
  out.text("{");
  for (const [f, name] of fields.entries()) {
    out.text(`${f > 0 ? "," : ""}\n${JSON.stringify(name)}:{`);
    const range = rowsOf(table, name);
    let isFirst = true;
    for (let row = range.first; row < range.last; row++) {
      if (isHole(table, row)) continue;
      if (!isFirst) out.byte(44);
      isFirst = false;
      out.bytes(jsonString(keyBytes(table, row)));
      out.byte(58);
      out.integer(row - range.first);
      if (out.isFull) yield out.take();
    }
    out.text("}");
  }
  out.text("\n}\n");
  yield out.take();
}
