// faiss: a directory of vectors.npy (f32[rows, dim], C order, the argument of `index.add`) and ids.tsv (row TAB key,
// with weights TAB weight, one line per row).
//
// faiss numbers the vectors from 0 on, and ids.tsv maps these numbers to keys. A tab or a line end in a key becomes
// `_`. Rows that --row-order left without a key keep their numbers, with an empty key.

import { ByteWriter } from "./byte-writer.js";
import { cells, checkedWords } from "../key-rules.js";
import { directoryFormat, savedFormat } from "../format.js";
import { vectorFiles } from "./npy.js";
import type { SearchCodes } from "../../table/search-codes.js";
import { byteView, chunksByRow, withoutVectors, type Selection } from "../selection.js";
import { isHole, vectorsAt } from "../../table/table.js";
import { join } from "node:path";
import { writeUnlisted } from "../../base/io/write.js";
import { optionalPackage, writtenBy } from "../optional-package.js";

export const faiss = directoryFormat(
  "faiss",
  ["ids.tsv", "vectors.npy", "scales.npy", "books.npy", "index.faiss"],
  {
    summary: "directory of vectors.npy and ids.tsv",
    oneKeyColumn: true,
    keys: cells,
    keepsRows: true,
    takesDtype: true,
    takesCodes: true,
    files: (selection) => {
      const { codes } = selection;
      const files = new Map([["ids.tsv", idChunks(selection)], ...vectorFiles(selection)]);
      if (codes?.kind === "pq") files.set("index.faiss", indexPq(codes, selection));
      return files;
    },
  },
);

/** Returns a serialized IndexPQ. Source: faiss/impl/index_write.cpp, version 1.15. */
function indexPq(
  { dim, bytes, books, codes }: SearchCodes,
  { numRows, isInnerProduct }: Selection,
): Uint8Array[] {
  const head = Buffer.alloc(4 + 4 + 24 + 1 + 4 + 24 + 8);
  head.write("IxPq");
  head.writeInt32LE(dim, 4);
  // the number of vectors, and two numbers that faiss no longer reads
  [numRows, 1 << 20, 1 << 20].forEach((n, i) => head.writeBigInt64LE(BigInt(n), 8 + 8 * i));
  head[32] = 1; // is trained
  head.writeInt32LE(isInnerProduct ? 0 : 1, 33);
  [dim, bytes, 8, books.length].forEach((n, i) => head.writeBigInt64LE(BigInt(n), 37 + 8 * i));
  const size = Buffer.alloc(8);
  size.writeBigInt64LE(BigInt(codes.length));
  // the kind of search, and two settings of polysemous codes, are faiss's defaults
  return [head, byteView(books), size, codes, Buffer.alloc(4 + 1 + 4)];
}

/** Maps the row numbers of an index to keys. @throws {DataError} before the first chunk, as checkedWords */
export async function* idChunks(selection: Selection): AsyncGenerator<Uint8Array> {
  const { word } = await checkedWords(selection, cells);
  const out = new ByteWriter();
  yield* chunksByRow(withoutVectors(selection), out, (batch) => (row) => {
    const { table, weights, start } = batch;
    out.integer(start + row);
    out.byte(9);
    if (!isHole(table, row)) out.bytes(word(batch, row));
    if (weights) {
      out.byte(9);
      out.float32(weights[row]!);
    }
    out.byte(10);
  });
}

// usearch: a directory of index.usearch, an approximate index of nearest neighbors, and ids.tsv, which maps row numbers
// to keys (row TAB key, as for faiss).
//
// Distances are cosines, as those of `embed neighbors`; with --mips inner products. Rows are added in order by one
// thread, because the graph depends on their order: the same table gives the same bytes. Rows that --row-order left
// without a key are omitted. Source: Malkov and Yashunin 2016 (arXiv:1603.09320); the package is
// https://github.com/unum-cloud/usearch.

const USEARCH_FILE = "index.usearch";
const USEARCH_PACKAGE = ["usearch", "~2.25"] as const;

/** The defaults of usearch, which are set explicitly so that a version with other defaults builds the same graph. */
const GRAPH = { connectivity: 16, expansion_add: 128, expansion_search: 64 };
const ROWS_AT_A_TIME = 1024;

export const usearch = savedFormat("usearch", [USEARCH_FILE, "ids.tsv"], {
  summary: "directory of index.usearch (nearest neighbors) and ids.tsv; needs the package usearch",
  oneKeyColumn: true,
  keys: cells,
  save: saveUsearch,
});

async function saveUsearch(selection: Selection, folder: string, signal?: AbortSignal): Promise<void> {
  const { dim } = selection;
  const { default: module } = await optionalPackage("usearch", USEARCH_PACKAGE, () => import("usearch"));
  const metric = selection.isInnerProduct ? "ip" : "cos";
  const index = new module.Index({ dimensions: dim, metric, quantization: "f32", multi: false, ...GRAPH });
  // ids.tsv is written first, because this checks the keys
  await writeUnlisted(join(folder, "ids.tsv"), idChunks(selection), signal);
  for await (const { start, table } of selection.batches()) {
    for (let from = 0; from < table.numRows; from += ROWS_AT_A_TIME) {
      const to = Math.min(table.numRows, from + ROWS_AT_A_TIME);
      const rows = Uint32Array.from({ length: to - from }, (_, i) => from + i).filter(
        (row) => !isHole(table, row),
      );
      const values = vectorsAt(table, rows);
      const numbers = BigUint64Array.from(rows, (row) => BigInt(start + row));
      if (rows.length > 0) index.add(numbers, values, 1);
      // returns to the event loop, so that signals are handled
      await new Promise(setImmediate);
      signal?.throwIfAborted();
    }
  }
  writtenBy("usearch", () => index.save(join(folder, USEARCH_FILE)));
}
