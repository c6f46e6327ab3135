// safetensors: a table as named tensors in one file.
//
//   vectors      f32[rows, dim]
//   counts       u32[rows]
//   weights      f32[rows], where they are asked for
//   keys         u8[bytes]      the rows' keys as UTF-8, one after another (`field:key` without --field)
//   keyOffsets   i64[rows + 1]  key r is keys[keyOffsets[r] .. keyOffsets[r + 1])
//
// Holes of --row-order keep their rows, with an empty key.

import { safetensorsChunks, type Tensor } from "../embedding/safetensors.js";
import { oneKeyBytes, type Selection } from "./selection.js";
import { isHole } from "../embedding/table.js";

/** The bytes of the file; tensors are views of the table where they can be. */
export function* safetensorsTable(selection: Selection): Generator<Uint8Array> {
  const { table, weights, first, last } = selection;
  const { dim, vectors, counts } = table;
  const numRows = last - first;
  const keys: Uint8Array[] = [];
  const keyOffsets = new BigInt64Array(numRows + 1);
  for (let row = first; row < last; row++) {
    const key = isHole(table, row) ? new Uint8Array() : oneKeyBytes(selection, row);
    keys.push(key);
    keyOffsets[row - first + 1] = keyOffsets[row - first]! + BigInt(key.length);
  }
  const bytes = Buffer.concat(keys);
  const tensors = new Map<string, Tensor>([
    ["vectors", { shape: [numRows, dim], data: vectors.subarray(first * dim, last * dim) }],
    ["counts", { shape: [numRows], data: counts.subarray(first, last) }],
    ["keys", { shape: [bytes.length], data: bytes }],
    ["keyOffsets", { shape: [numRows + 1], data: keyOffsets }],
  ]);
  if (weights) tensors.set("weights", { shape: [numRows], data: weights.subarray(first, last) });
  yield* safetensorsChunks(tensors);
}
