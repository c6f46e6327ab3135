// npy: a directory of vectors.npy (f32[rows, dim]), keys.txt (a JSON string a line) and, when asked, weights.npy (f32[rows]).

import { ByteWriter } from "./byte-writer.js";
import { jsonString } from "./jsonl.js";
import { npyHead } from "./npy-head.js";
import { chunksByRow, oneKeyBytes, type Selection } from "./selection.js";

/** Names of the files and their chunks. */
export function npyFiles(selection: Selection): Map<string, Iterable<Uint8Array>> {
  const { table, weights, first, last } = selection;
  const { dim, vectors } = table;
  const files = new Map<string, Iterable<Uint8Array>>([
    ["vectors.npy", npyChunks(vectors.subarray(first * dim, last * dim), [last - first, dim])],
    ["keys.txt", keyChunks(selection)],
  ]);
  if (weights) files.set("weights.npy", npyChunks(weights.subarray(first, last), [last - first]));
  return files;
}

/** An array of f32 as an npy file. */
export function* npyChunks(values: Float32Array, shape: number[]): Generator<Uint8Array> {
  yield npyHead("<f4", shape);
  yield new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}

function keyChunks(selection: Selection): Generator<Uint8Array> {
  const out = new ByteWriter();
  return chunksByRow(selection, out, (row) => {
    out.bytes(jsonString(oneKeyBytes(selection, row)));
    out.byte(10);
  });
}
