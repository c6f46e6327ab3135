// onnx: a model that looks up vectors, with one Gather per field. It can be part of a network's serving graph or be
// used alone.
//
//   input  FIELD         string[N] a key, or with --onnx-input row int64[N] a row of the field
//   output FIELD_vector  f32[N, dim]
//   output FIELD_weight  f32[N], with weights
//
// ai.onnx.ml's LabelEncoder maps a key to its row. The empty key, a missing cell, is the padding row of zeros, and an
// unknown key the out-of-vocabulary row. Rows are numbered as in npy: the rows of the table, including those of
// --reserve. A numeric field has no keys, so it is included with --onnx-input row only.

import { fileFormat } from "../format.js";
import { onnxText } from "../key-rules.js";
import { UsageError, excerpt } from "../../base/errors.js";
import { isHole, rowsOf, type RowRange } from "../../table/table.js";
import {
  keysToRows,
  intAttribute,
  modelChunks,
  node,
  tensor,
  type OnnxGraph,
  type MessagePiece,
} from "./model.js";
import {
  reservedAmong,
  type ReserveScheme,
  unknownVectors,
  hasKeys,
  type UnknownVector,
} from "../reserve.js";
import { keyBytes, type ExportBatch, type Selection } from "../selection.js";

export const onnx = fileFormat({
  summary:
    "ONNX model that maps keys (or rows) of each field to vectors; for runs that hold a network the whole network, which outputs scores",
  keys: onnxText,
  keepsRows: true,
  findsUnknown: true,
  chunks: onnxChunks,
});

/** If the input is keys, the selection has reserved rows for unknown ones. @throws {UsageError} no field has keys */
async function* onnxChunks(selection: Selection): AsyncGenerator<Uint8Array> {
  const { field, reserve } = selection;
  const batch = await selection.whole();
  const { table } = batch;
  const byKey = selection.onnxInput !== "row";
  const fields = (field === undefined ? table.fields : [field]).filter(
    (name) => !byKey || hasKeys(table, name),
  );
  if (fields.length === 0) {
    const what = field === undefined ? "no field has keys" : `field ${excerpt(field)} has none`;
    throw new UsageError(`format onnx looks up rows by key, but ${what}: use --onnx-input row`);
  }
  if (byKey && !reserve)
    throw new UsageError("format onnx with key input needs a row for unknown keys: set --reserve");
  checkOutputNames(fields);
  const graph: OnnxGraph = { nodes: [], initializers: [], inputs: [], outputs: [] };
  const { unknownKeys = {} } = selection;
  for (const name of fields) {
    const unknown = Object.hasOwn(unknownKeys, name) ? unknownKeys[name] : undefined;
    addField(graph, batch, name, byKey && reserve ? { reserve, unknown } : undefined);
  }
  yield* modelChunks(graph);
}

interface ByKey {
  reserve: ReserveScheme;
  unknown: UnknownVector | undefined;
}

/** @param byKey undefined: the input is a row number */
function addField(
  { nodes, initializers, inputs, outputs }: OnnxGraph,
  batch: ExportBatch,
  name: string,
  byKey: ByKey | undefined,
): void {
  const { table, weights } = batch;
  const { dim, vectors } = table;
  const { first, last } = rowsOf(table, name);
  const numRows = last - first;
  const axis = `${name} rows`;
  const doc = byKey?.unknown && `a key of '${name}'; an unknown one gets ${unknownVectors[byKey.unknown]}`;
  inputs.push({ name, element: byKey ? "string" : "int64", shape: [axis], ...(doc && { doc }) });
  const row = byKey ? `${name}/row` : name;
  if (byKey) nodes.push(labelEncoder(batch, { first, last }, byKey.reserve, name));
  const addGather = (what: string, shape: number[], values: Float32Array): void => {
    const [rows, output] = [`${name}/${what}s`, `${name}_${what}`];
    initializers.push(tensor(rows, [numRows, ...shape], values));
    nodes.push(node("Gather", [rows, row], [output], [intAttribute("axis", 0)]));
    outputs.push({ name: output, element: "float", shape: [axis, ...shape] });
  };
  addGather("vector", [dim], vectors.subarray(first * dim, last * dim));
  if (weights) addGather("weight", [], weights.subarray(first, last));
}

/** Maps keys to rows of the field: the empty key to the padding row, unknown keys to the out-of-vocabulary row. */
function labelEncoder(
  { table }: ExportBatch,
  { first, last }: RowRange,
  scheme: ReserveScheme,
  name: string,
): MessagePiece {
  const rowOf: number[] = [];
  for (let row = first; row < last; row++) if (!isHole(table, row)) rowOf.push(row);
  return keysToRows(name, `${name}/row`, {
    size: rowOf.length,
    key: (i) => keyBytes(table, rowOf[i]!),
    row: (i) => rowOf[i]! - first,
    ...reservedAmong(last - first, scheme),
  });
}

function checkOutputNames(fields: readonly string[]): void {
  const names = new Map<string, string>();
  for (const field of fields) {
    for (const name of [
      field,
      `${field}/row`,
      ...["vector", "weight"].flatMap((what) => [`${field}/${what}s`, `${field}_${what}`]),
    ]) {
      const other = names.get(name);
      if (other !== undefined)
        throw new UsageError(
          `fields ${excerpt(other)} and ${excerpt(field)} would both be named ${excerpt(name)} in the model: ` +
            "rename a column, or export one field with --field",
        );
      names.set(name, field);
    }
  }
}
