// npy: a directory of vectors.npy (f32[rows, dim]), keys.txt (a JSON string a line) and, when asked, weights.npy (f32[rows]).

import { ByteWriter } from "./byte-writer.js";
import { jsonString } from "./jsonl.js";
import { npyHead } from "./npy-head.js";
import type { Chunks } from "../io/write.js";
import { bytesOf, chunksByRow, oneKeyBytes, withoutVectors, type Selection } from "./selection.js";

/** Names of the files and their chunks. */
export function npyFiles(selection: Selection): Map<string, Chunks> {
  const files = new Map<string, Chunks>([
    ["vectors.npy", vectorsNpy(selection)],
    ["keys.txt", keyChunks(selection)],
  ]);
  if (selection.hasWeights) files.set("weights.npy", weightsNpy(selection));
  return files;
}

/** The vectors as an npy file. */
export async function* vectorsNpy(selection: Selection): AsyncGenerator<Uint8Array> {
  yield npyHead("<f4", [selection.numRows, selection.dim]);
  for await (const { table } of selection.batches()) yield bytesOf(table.vectors);
}

async function* weightsNpy(selection: Selection): AsyncGenerator<Uint8Array> {
  yield npyHead("<f4", [selection.numRows]);
  for await (const { weights } of selection.batches({ vectors: false })) yield bytesOf(weights!);
}

function keyChunks(selection: Selection): AsyncGenerator<Uint8Array> {
  const out = new ByteWriter();
  return chunksByRow(withoutVectors(selection), out, (batch) => (row) => {
    out.bytes(jsonString(oneKeyBytes(batch, row)));
    out.byte(10);
  });
}
