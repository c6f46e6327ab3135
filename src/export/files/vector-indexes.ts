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
      if (codes && codes.kind !== "b1") files.set("index.faiss", indexOfCodes(codes, selection));
      return files;
    },
  },
);

/** Returns a serialized IndexPQ or IndexResidualQuantizer. Source: faiss/impl/index_write.cpp, version 1.15. */
function indexOfCodes(
  { kind, dim, bytes, books, codes }: SearchCodes,
  { numRows, isInnerProduct }: Selection,
): Uint8Array[] {
  const long = (...numbers: number[]) => Buffer.from(BigInt64Array.from(numbers, BigInt).buffer);
  const int = (...numbers: number[]) => Buffer.from(Int32Array.from(numbers).buffer);
  const isTrained = Buffer.of(1);
  const bitsOfLevels = Array.from({ length: bytes }, () => 8);
  // after the number of vectors, two numbers that faiss no longer reads
  const head = [int(dim), long(numRows, 1 << 20, 1 << 20), isTrained, int(isInnerProduct ? 0 : 1)];
  const parts =
    kind === "pq"
      ? // the kind of search, and two settings of polysemous codes, are faiss's defaults
        [
          "IxPq",
          ...head,
          long(dim, bytes, 8, books.length),
          books,
          long(codes.length),
          codes,
          Buffer.alloc(9),
        ]
      : // decodes to search, has no norms, and codes as levelCodes does: with one beam
        [
          ...[
            "IxRq",
            ...head,
            long(dim, bytes, bytes, ...bitsOfLevels),
            isTrained,
            long(books.length),
            books,
          ],
          ...[int(0, 0, 0, 1, 1), long(bytes, codes.length), codes],
        ];
  return parts.map((part) => (typeof part === "string" ? Buffer.from(part) : byteView(part)));
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
