// Formats of a word and its vector: word2vec, text and binary, as word2vec.c writes them; fastText's .vec; GloVe's.
//
//   word2vec       a header `rows dim`, then key, then each number after a blank, LF
//   word2vec-bin   the same header, then key, a blank, f32[dim] little-endian, LF
//   fasttext-vec   as word2vec, with a blank at the end of each row, as fastText's saveVectors writes it
//   glove          as word2vec, without the header
//
// Holes of --row-order, which have no key, are left out. The formats cannot hold white space in a key: each such character
// becomes `_`. With weights, the weight is one more, last dimension: a user's vector with 1 there times an item's vector is
// then <v_u, v_i> + w_i.

import { isHole } from "../../embedding/table.js";
import { ByteWriter } from "./byte-writer.js";
import { words } from "../key-rules.js";
import { chunksByRow, type Selection } from "../selection.js";
import { checkedWords } from "../key-checks.js";

interface Layout {
  header: boolean;
  /** what follows the last number of a row */
  end: string;
}

/** word2vec's text. @throws {DataError} as `checkedWords` */
export function word2vecChunks(selection: Selection): AsyncGenerator<Uint8Array> {
  return textChunks(selection, { header: true, end: "\n" });
}

/** fastText's .vec. @throws {DataError} as `checkedWords` */
export function fasttextVecChunks(selection: Selection): AsyncGenerator<Uint8Array> {
  return textChunks(selection, { header: true, end: " \n" });
}

/** GloVe's text. @throws {DataError} as `checkedWords` */
export function gloveChunks(selection: Selection): AsyncGenerator<Uint8Array> {
  return textChunks(selection, { header: false, end: "\n" });
}

async function* textChunks(selection: Selection, { header, end }: Layout): AsyncGenerator<Uint8Array> {
  const { dim } = selection;
  const { word, numWords } = await checkedWords(selection, words);
  const out = new ByteWriter();
  if (header) out.text(headerOf(selection, numWords));
  yield* chunksByRow(selection, out, (batch) => (row) => {
    const { table, weights } = batch;
    if (isHole(table, row)) return;
    out.bytes(word(batch, row));
    for (let i = row * dim; i < (row + 1) * dim; i++) {
      out.byte(32);
      out.float32(table.vectors[i]!);
    }
    if (weights) {
      out.byte(32);
      out.float32(weights[row]!);
    }
    out.text(end);
  });
}

/** The binary format. @throws {DataError} as `checkedWords` */
export async function* word2vecBinChunks(selection: Selection): AsyncGenerator<Uint8Array> {
  const { dim, hasWeights } = selection;
  const { word, numWords } = await checkedWords(selection, words);
  const out = new ByteWriter();
  out.text(headerOf(selection, numWords));
  const numbers = new Float32Array(dim + (hasWeights ? 1 : 0));
  const bytes = new Uint8Array(numbers.buffer);
  yield* chunksByRow(selection, out, (batch) => (row) => {
    const { table, weights } = batch;
    if (isHole(table, row)) return;
    out.bytes(word(batch, row));
    out.byte(32);
    numbers.set(table.vectors.subarray(row * dim, (row + 1) * dim));
    if (weights) numbers[dim] = weights[row]!;
    out.bytes(bytes);
    out.byte(10);
  });
}

function headerOf({ dim, hasWeights }: Selection, numWords: number): string {
  return `${numWords} ${dim + (hasWeights ? 1 : 0)}\n`;
}
