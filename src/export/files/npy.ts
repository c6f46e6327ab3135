// npy: a directory of vectors.npy (f32[rows, dim]), keys.txt (one JSON string per line) and, if requested, weights.npy
// (f32[rows]). If several fields are chosen, each has such a directory within the directory, and layers.json lists
// them.

import { isHole } from "../../table/table.js";
import { shapeOfBooks } from "../../table/search-codes.js";
import { directoryFormat, filesByLayer } from "../format.js";
import { ByteWriter } from "./byte-writer.js";
import { dtypeNames, encoded } from "../dtype.js";
import { jsonString } from "./jsonl.js";
import type { Chunks } from "../../base/io/write.js";
import { byteView, chunksByRow, oneKeyBytes, withoutVectors, type Selection } from "../selection.js";

// the list of names includes rows.npy and removed.jsonl, because --delta writes them in the same format
export const npy = directoryFormat(
  "npy",
  ["vectors.npy", "keys.txt", "scales.npy", "books.npy", "weights.npy", "rows.npy", "removed.jsonl"],
  {
    summary: "directory of vectors.npy and keys.txt",
    oneKeyColumn: true,
    keepsRows: true,
    layers: true,
    takesDtype: true,
    takesCodes: true,
    files: (selection) => (selection.layers ? filesByLayer(selection.layers, npyFiles) : npyFiles(selection)),
  },
);

function npyFiles(selection: Selection): Map<string, Chunks> {
  return new Map([
    ...vectorFiles(selection),
    ["keys.txt", keyChunks(selection)],
    ...(selection.hasWeights ? [["weights.npy", weightsNpy(selection)] as const] : []),
  ]);
}

export function vectorFiles(selection: Selection): [name: string, chunks: Chunks][] {
  const { codes, numRows } = selection;
  if (codes)
    return [
      ["vectors.npy", [npyHead("|u1", [numRows, codes.bytes]), codes.codes]],
      ["books.npy", [npyHead("<f4", shapeOfBooks(codes)), byteView(codes.books)]],
    ];
  const scales: [string, Chunks][] = selection.dtype === "i8" ? [["scales.npy", scalesNpy(selection)]] : [];
  return [["vectors.npy", vectorsNpy(selection)], ...scales];
}

async function* vectorsNpy({ numRows, dim, dtype = "f32", batches }: Selection): AsyncGenerator<Uint8Array> {
  yield npyHead(dtypeNames[dtype].numpy, [numRows, dim]);
  for await (const { table } of batches()) yield byteView(encoded(table.vectors, dim, dtype).values);
}

async function* scalesNpy({ numRows, dim, batches }: Selection): AsyncGenerator<Uint8Array> {
  yield npyHead("<f4", [numRows]);
  for await (const { table } of batches()) yield byteView(encoded(table.vectors, dim, "i8").scales!);
}

async function* weightsNpy(selection: Selection): AsyncGenerator<Uint8Array> {
  yield npyHead("<f4", [selection.numRows]);
  for await (const { weights } of selection.batches({ vectors: false })) yield byteView(weights!);
}

function keyChunks(selection: Selection): AsyncGenerator<Uint8Array> {
  const out = new ByteWriter();
  return chunksByRow(withoutVectors(selection), out, (batch) => (row) => {
    out.bytes(jsonString(isHole(batch.table, row) ? new Uint8Array() : oneKeyBytes(batch, row)));
    out.byte(10);
  });
}

/** The data follows at a multiple of 64 bytes. @param descr numpy's name of the type, such as `<f4` or `<U12` */
export function npyHead(descr: string, shape: readonly number[]): Uint8Array {
  const tuple = shape.length === 1 ? `(${shape[0]},)` : `(${shape.join(", ")})`;
  const description = `{'descr': '${descr}', 'fortran_order': False, 'shape': ${tuple}, }`;
  // the magic bytes, the version and the length of the header take 10 bytes
  const length = Math.ceil((10 + description.length + 1) / 64) * 64 - 10;
  const head = Buffer.alloc(10 + length);
  head.write("\x93NUMPY\x01\x00", "latin1");
  head.writeUInt16LE(length, 8);
  head.write(`${description.padEnd(length - 1)}\n`, 10, "latin1");
  return head;
}
