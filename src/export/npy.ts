// npy: a directory of vectors.npy (f32[rows, dim]), keys.txt (a JSON string a line) and, when asked, weights.npy (f32[rows]).
//
// Source: numpy.lib.format, version 1.0.

import { ByteWriter } from "./byte-writer.js";
import { jsonString } from "./jsonl.js";
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

function* npyChunks(values: Float32Array, shape: number[]): Generator<Uint8Array> {
  const tuple = shape.length === 1 ? `(${shape[0]},)` : `(${shape.join(", ")})`;
  const description = `{'descr': '<f4', 'fortran_order': False, 'shape': ${tuple}, }`;
  // magic, version and length take 10 bytes; data starts at a multiple of 64
  const headerLength = Math.ceil((10 + description.length + 1) / 64) * 64 - 10;
  const header = Buffer.alloc(10);
  header.write("\x93NUMPY\x01\x00", "latin1");
  header.writeUInt16LE(headerLength, 8);
  yield header;
  yield Buffer.from(`${description.padEnd(headerLength - 1)}\n`);
  yield new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}

function keyChunks(selection: Selection): Generator<Uint8Array> {
  const out = new ByteWriter();
  return chunksByRow(selection, out, (row) => {
    out.bytes(jsonString(oneKeyBytes(selection, row)));
    out.byte(10);
  });
}
