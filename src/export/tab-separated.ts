// Tab-separated formats that know no quotes: a tab or a line end in a key becomes `_`, holes of --row-order are left out.
//
//   starspace-tsv   key, then each number after a tab, as StarSpace writes its embeddings
//   recbole         an atomic file of RecBole: `FIELD:token TAB FIELD_emb:float_seq`, then the key, a tab, and the numbers
//                   with blanks between them, for `preload_weight`
//                   (with weights, one more dimension in both)
//   projector       vectors.tsv, the numbers alone, and metadata.tsv, which has a header since it has several columns:
//                   TensorBoard takes the first row of one column for a value
//
// Sources: StarSpace's README ("Embedding format"), RecBole's "Atomic Files", TensorBoard's projector help.

import { isHole } from "../embedding/table.js";
import { ByteWriter } from "./byte-writer.js";
import { chunksByRow, keyBytes, type Selection } from "./selection.js";
import { checkedWords, TAB_OR_LINE_END } from "./words.js";

const [TAB, LF, BLANK] = [9, 10, 32];

/** StarSpace's embeddings. @throws {DataError} as `checkedWords` */
export function starspaceChunks(selection: Selection): Generator<Uint8Array> {
  const word = checkedWords(selection, TAB_OR_LINE_END);
  const out = new ByteWriter();
  return rowsWritten(selection, out, (row) => {
    out.bytes(word(row));
    out.byte(TAB);
    writeVector(out, selection, row, TAB);
    writeLastWeight(out, selection, row, TAB);
    out.byte(LF);
  });
}

/** RecBole's atomic file. @throws {DataError} as `checkedWords` */
export function recboleChunks(selection: Selection): Generator<Uint8Array> {
  const word = checkedWords(selection, TAB_OR_LINE_END);
  const out = new ByteWriter();
  const name = (selection.field ?? "key").replaceAll(/[\s:]/g, "_");
  out.text(`${name}:token\t${name}_emb:float_seq\n`);
  return rowsWritten(selection, out, (row) => {
    out.bytes(word(row));
    out.byte(TAB);
    writeVector(out, selection, row, BLANK);
    writeLastWeight(out, selection, row, BLANK);
    out.byte(LF);
  });
}

/** The two files of TensorBoard's projector. @throws {DataError} as `checkedWords` */
export function projectorFiles(selection: Selection): Map<string, Iterable<Uint8Array>> {
  const word = checkedWords(selection, TAB_OR_LINE_END);
  const { table, field, weights } = selection;
  const names = table.fields.map((name) => name.replaceAll(TAB_OR_LINE_END, "_"));
  const vectors = new ByteWriter();
  const metadata = new ByteWriter();
  metadata.text(`${field === undefined ? "field\t" : ""}key\tcount${weights ? "\tweight" : ""}\n`);
  return new Map([
    [
      "vectors.tsv",
      rowsWritten(selection, vectors, (row) => {
        writeVector(vectors, selection, row, TAB);
        vectors.byte(LF);
      }),
    ],
    [
      "metadata.tsv",
      rowsWritten(selection, metadata, (row) => {
        if (field === undefined) {
          metadata.text(`${names[table.fieldOf[row]!]}\t`);
          metadata.text(Buffer.from(keyBytes(table, row)).toString("utf8").replaceAll(TAB_OR_LINE_END, "_"));
        } else metadata.bytes(word(row));
        metadata.byte(TAB);
        metadata.integer(table.counts[row]!);
        if (weights) {
          metadata.byte(TAB);
          metadata.float32(weights[row]!);
        }
        metadata.byte(LF);
      }),
    ],
  ]);
}

function rowsWritten(
  selection: Selection,
  out: ByteWriter,
  write: (row: number) => void,
): Generator<Uint8Array> {
  return chunksByRow(selection, out, (row) => {
    if (!isHole(selection.table, row)) write(row);
  });
}

function writeVector(out: ByteWriter, { table }: Selection, row: number, separator: number): void {
  const { dim, vectors } = table;
  for (let d = 0; d < dim; d++) {
    if (d > 0) out.byte(separator);
    out.float32(vectors[row * dim + d]!);
  }
}

/** The weight, where it is asked for, is one more dimension. */
function writeLastWeight(out: ByteWriter, { weights }: Selection, row: number, separator: number): void {
  if (!weights) return;
  out.byte(separator);
  out.float32(weights[row]!);
}
