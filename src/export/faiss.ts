// faiss: a directory of vectors.npy (f32[rows, dim], C order, as `index.add` takes it) and ids.tsv (row TAB key, with
// weights TAB weight, a line a row).
//
// faiss numbers what it is given from 0 on, so ids.tsv tells what a found number is. A tab or a line end in a key becomes `_`.
// Holes of --row-order keep their rows, with an empty key.

import { ByteWriter } from "./byte-writer.js";
import { npyChunks } from "./npy.js";
import { chunksByRow, type Selection } from "./selection.js";
import { isHole } from "../embedding/table.js";
import { checkedWords, TAB_OR_LINE_END } from "./words.js";

/** Names of the files and their chunks. @throws {DataError} as `checkedWords` */
export function faissFiles(selection: Selection): Map<string, Iterable<Uint8Array>> {
  const { table, first, last } = selection;
  const { dim, vectors } = table;
  const ids = idChunks(selection);
  return new Map([
    ["vectors.npy", npyChunks(vectors.subarray(first * dim, last * dim), [last - first, dim])],
    ["ids.tsv", ids],
  ]);
}

/** ids.tsv: what the number that an index gives stands for. @throws {DataError} as `checkedWords`, before the first chunk */
export function idChunks(selection: Selection): Generator<Uint8Array> {
  const { table, first, weights } = selection;
  const word = checkedWords(selection, TAB_OR_LINE_END);
  const out = new ByteWriter();
  return chunksByRow(selection, out, (row) => {
    out.integer(row - first);
    out.byte(9);
    if (!isHole(table, row)) out.bytes(word(row));
    if (weights) {
      out.byte(9);
      out.float32(weights[row]!);
    }
    out.byte(10);
  });
}
