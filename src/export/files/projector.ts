// projector: a directory for TensorBoard's projector, without the rows that --row-order left without a key.
//
//   vectors.tsv            the numbers
//   metadata.tsv           with a header because it has several columns: in a single column, TensorBoard reads the
//                          first row as a value
//   projector_config.pbtxt names the two files, so that `tensorboard --logdir DIR` finds them
//
// The projector does not support quotes: characters of a key that would end a cell become `_` (key-rules.ts). Source:
// TensorBoard's projector help.

import { directoryFormat } from "../format.js";
import { checkedWords, cells } from "../key-rules.js";
import type { Chunks } from "../../base/io/write.js";
import { keyBytes, keyedChunks, withoutVectors, type Selection } from "../selection.js";
import { ByteWriter } from "./byte-writer.js";

const [TAB, LF] = [9, 10];

const CONFIG = `embeddings {
  tensor_path: "vectors.tsv"
  metadata_path: "metadata.tsv"
}
`;

export const projector = directoryFormat(
  "projector",
  ["vectors.tsv", "metadata.tsv", "projector_config.pbtxt"],
  {
    summary: "directory of vectors.tsv and metadata.tsv (TensorBoard)",
    keys: cells,
    files: (selection) =>
      new Map<string, Chunks>([
        ["metadata.tsv", metadataChunks(selection)],
        ["vectors.tsv", vectorLines(selection)],
        ["projector_config.pbtxt", [Buffer.from(CONFIG)]],
      ]),
  },
);

function vectorLines(selection: Selection): AsyncGenerator<Uint8Array> {
  const { dim } = selection;
  const out = new ByteWriter();
  return keyedChunks(selection, out, ({ table: { vectors } }) => (row) => {
    out.float32s(vectors, row * dim, (row + 1) * dim, TAB);
    out.byte(LF);
  });
}

async function* metadataChunks(selection: Selection): AsyncGenerator<Uint8Array> {
  const { field, fields, hasWeights } = selection;
  const { word } = await checkedWords(selection, cells);
  const names = fields.map((name) => name.replaceAll(cells.replaced, "_"));
  const out = new ByteWriter();
  out.text(`${field === undefined ? "field\t" : ""}key\tcount${hasWeights ? "\tweight" : ""}\n`);
  yield* keyedChunks(withoutVectors(selection), out, (batch) => (row) => {
    const { table, weights } = batch;
    if (field === undefined) {
      out.text(`${names[table.fieldOf[row]!]}\t`);
      out.text(Buffer.from(keyBytes(table, row)).toString("utf8").replaceAll(cells.replaced, "_"));
    } else out.bytes(word(batch, row));
    out.byte(TAB);
    out.integer(table.counts[row]!);
    if (weights) {
      out.byte(TAB);
      out.float32(weights[row]!);
    }
    out.byte(LF);
  });
}
