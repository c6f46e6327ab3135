// faiss: a directory of vectors.npy (f32[rows, dim], C order, the argument of `index.add`) and ids.tsv (row TAB key,
// with weights TAB weight, one line per row).
//
// faiss numbers the vectors from 0 on, and ids.tsv maps these numbers to keys. A tab or a line end in a key becomes
// `_`. Rows that --row-order left without a key keep their numbers, with an empty key.

import { ByteWriter } from "./byte-writer.js";
import { cells } from "../key-rules.js";
import { directoryFormat } from "../format.js";
import { vectorFiles } from "./npy.js";
import { chunksByRow, withoutVectors, type Selection } from "../selection.js";
import { isHole } from "../../embedding/table.js";
import { checkedWords } from "../key-checks.js";

/** The export format faiss. @throws {DataError} a key cannot be written, or two keys become equal (checkedWords) */
export const faiss = directoryFormat("faiss", ["ids.tsv", "vectors.npy", "scales.npy"], {
  summary: "directory of vectors.npy and ids.tsv",
  oneKeyColumn: true,
  keys: cells,
  keepsRows: true,
  takesDtype: true,
  files: (selection) => new Map([["ids.tsv", idChunks(selection)], ...vectorFiles(selection)]),
});

/**
 * Yields ids.tsv, which maps the row numbers of an index to keys. @throws {DataError} before the first chunk: a key
 * cannot be written, or two keys become the same (see checkedWords)
 */
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
