// Text formats of several tools with a key and its numbers per row, and word2vec's binary format.
//
//   word2vec        a header `rows dim`, then key, then each number after a blank, LF
//   word2vec-bin    the same header, then key, a blank, f32[dim] little-endian, LF
//   fasttext-vec    as word2vec, with a blank at the end of each row, as fastText's saveVectors writes it
//   glove           as word2vec, without the header
//   starspace-tsv   key, then each number after a tab, as StarSpace writes its embeddings
//   recbole         an atomic file of RecBole: `FIELD:token TAB FIELD_emb:float_seq`, then the key, a tab, and the
//                   numbers with blanks between them, for `preload_weight`
//
// Rows that --row-order left without a key are omitted. Characters that would end a key become `_` (key-rules.ts). With
// weights, the weight is an additional last dimension: a user's vector with 1 there times an item's vector is then
// <v_u, v_i> + w_i.
//
// Sources: word2vec.c; StarSpace's README ("Embedding format"); RecBole's "Atomic Files".

import { fileFormat, type FileFormat } from "../format.js";
import { checkedWords, recboleCells, starspaceCells, words, type ReplacingRule } from "../key-rules.js";
import { keyedChunks, type Selection } from "../selection.js";
import { ByteWriter } from "./byte-writer.js";

const [TAB, LF, BLANK] = [9, 10, 32];

interface Layout {
  rule: ReplacingRule;
  /** returns the first line of the file; absent for a format without a header */
  header?: (selection: Selection, numWords: number) => string;
  separators: readonly [first: number, others: number];
  end: string;
}

function textFormat(summary: string, { rule, header, separators: [first, others], end }: Layout): FileFormat {
  return fileFormat({
    summary,
    oneKeyColumn: true,
    keys: rule,
    async *chunks(selection) {
      const { dim } = selection;
      const { word, numWords } = await checkedWords(selection, rule);
      const out = new ByteWriter();
      if (header) out.text(header(selection, numWords));
      yield* keyedChunks(selection, out, (batch) => (row) => {
        const { table, weights } = batch;
        out.bytes(word(batch, row));
        out.byte(first);
        out.float32s(table.vectors, row * dim, (row + 1) * dim, others);
        if (weights) {
          out.byte(others);
          out.float32(weights[row]!);
        }
        out.text(end);
      });
    },
  });
}

const sizes: Layout["header"] = ({ dim, hasWeights }, numWords) =>
  `${numWords} ${dim + (hasWeights ? 1 : 0)}\n`;
const byBlanks = { rule: words, separators: [BLANK, BLANK], end: "\n" } as const;

export const word2vec = textFormat("text: `rows dim`, then `key v0 v1 ...` (gensim)", {
  ...byBlanks,
  header: sizes,
});

export const fasttextVec = textFormat("fastText's .vec", { ...byBlanks, header: sizes, end: " \n" });

export const glove = textFormat("word2vec's text without the first line", byBlanks);

export const starspaceTsv = textFormat("key and numbers separated by tabs", {
  rule: starspaceCells,
  separators: [TAB, TAB],
  end: "\n",
});

export const recbole = textFormat("atomic file of RecBole: token and float_seq", {
  rule: recboleCells,
  header({ field = "key" }) {
    const name = field.replaceAll(/[\s:]/g, "_");
    return `${name}:token\t${name}_emb:float_seq\n`;
  },
  separators: [TAB, BLANK],
  end: "\n",
});

export const word2vecBin = fileFormat({
  summary: "binary word2vec (gensim)",
  oneKeyColumn: true,
  keys: words,
  async *chunks(selection) {
    const { dim, hasWeights } = selection;
    const { word, numWords } = await checkedWords(selection, words);
    const out = new ByteWriter();
    out.text(sizes(selection, numWords));
    const numbers = new Float32Array(dim + (hasWeights ? 1 : 0));
    const bytes = new Uint8Array(numbers.buffer);
    yield* keyedChunks(selection, out, (batch) => (row) => {
      const { table, weights } = batch;
      out.bytes(word(batch, row));
      out.byte(BLANK);
      numbers.set(table.vectors.subarray(row * dim, (row + 1) * dim));
      if (weights) numbers[dim] = weights[row]!;
      out.bytes(bytes);
      out.byte(LF);
    });
  },
});
