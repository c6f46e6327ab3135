// libsvm: one line per row, `0 1:v0 2:v1 ... # key`; numbers of 0 are omitted, and a weight is an additional last
// feature.
//
// There is no label, so it is 0. svmlight's comment contains the key as a JSON string; libsvm's own readers do not
// support comments, and --strict omits it. Rows that --row-order left without a key have no features. Sources: LIBSVM's
// README; https://www.cs.cornell.edu/people/tj/svm_light/ for the comment.

import { isHole } from "../../table/table.js";
import { fileFormat } from "../format.js";
import { ByteWriter } from "./byte-writer.js";
import { jsonString } from "./jsonl.js";
import { chunksByRow, oneKeyBytes, type Selection } from "../selection.js";

export const libsvm = fileFormat({
  summary: "0 1:v0 2:v1 ... # key",
  oneKeyColumn: true,
  chunks: libsvmChunks,
});

function libsvmChunks(selection: Selection): AsyncGenerator<Uint8Array> {
  const { dim, strict } = selection;
  const out = new ByteWriter();
  const feature = (index: number, value: number): void => {
    if (value === 0) return;
    out.byte(32);
    out.integer(index);
    out.byte(58);
    out.float32(value);
  };
  return chunksByRow(selection, out, (batch) => (row) => {
    const { table, weights } = batch;
    out.byte(48);
    for (let d = 0; d < dim; d++) feature(d + 1, table.vectors[row * dim + d]!);
    if (weights) feature(dim + 1, weights[row]!);
    if (!strict) {
      out.text(" # ");
      out.bytes(jsonString(isHole(table, row) ? new Uint8Array() : oneKeyBytes(batch, row)));
    }
    out.byte(10);
  });
}
