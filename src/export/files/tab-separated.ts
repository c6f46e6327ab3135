// Tab-separated formats that know no quotes: what would end a cell in a key becomes `_` (key-rules.ts), holes of --row-order are left out.
//
//   starspace-tsv   key, then each number after a tab, as StarSpace writes its embeddings
//   recbole         an atomic file of RecBole: `FIELD:token TAB FIELD_emb:float_seq`, then the key, a tab, and the numbers
//                   with blanks between them, for `preload_weight`
//                   (with weights, one more dimension in both)
//   projector       vectors.tsv, the numbers alone, and metadata.tsv, which has a header since it has several columns:
//                   TensorBoard takes the first row of one column for a value; projector_config.pbtxt names the two, so that
//                   `tensorboard --logdir DIR` finds them
//
// Sources: StarSpace's README ("Embedding format"), RecBole's "Atomic Files", TensorBoard's projector help.

import { isHole } from "../../embedding/table.js";
import { ByteWriter } from "./byte-writer.js";
import { cells, recboleCells, starspaceCells } from "../key-rules.js";
import type { Chunks } from "../../io/write.js";
import { chunksByRow, keyBytes, withoutVectors, type Batch, type Selection } from "../selection.js";
import { checkedWords } from "../key-checks.js";

const [TAB, LF, BLANK] = [9, 10, 32];

/** StarSpace's embeddings. @throws {DataError} as `checkedWords` */
export async function* starspaceChunks(selection: Selection): AsyncGenerator<Uint8Array> {
  const { word } = await checkedWords(selection, starspaceCells);
  const out = new ByteWriter();
  yield* rowsWritten(selection, out, (batch, row) => {
    out.bytes(word(batch, row));
    out.byte(TAB);
    writeVector(out, batch, row, TAB);
    writeLastWeight(out, batch, row, TAB);
    out.byte(LF);
  });
}

/** RecBole's atomic file. @throws {DataError} as `checkedWords` */
export async function* recboleChunks(selection: Selection): AsyncGenerator<Uint8Array> {
  const { word } = await checkedWords(selection, recboleCells);
  const out = new ByteWriter();
  const name = (selection.field ?? "key").replaceAll(/[\s:]/g, "_");
  out.text(`${name}:token\t${name}_emb:float_seq\n`);
  yield* rowsWritten(selection, out, (batch, row) => {
    out.bytes(word(batch, row));
    out.byte(TAB);
    writeVector(out, batch, row, BLANK);
    writeLastWeight(out, batch, row, BLANK);
    out.byte(LF);
  });
}

const PROJECTOR_CONFIG = `embeddings {
  tensor_path: "vectors.tsv"
  metadata_path: "metadata.tsv"
}
`;

/** The files of TensorBoard's projector. @throws {DataError} as `checkedWords` */
export function projectorFiles(selection: Selection): Map<string, Chunks> {
  return new Map<string, Chunks>([
    ["metadata.tsv", metadataChunks(selection)],
    ["vectors.tsv", vectorLines(selection)],
    ["projector_config.pbtxt", [Buffer.from(PROJECTOR_CONFIG)]],
  ]);
}

function vectorLines(selection: Selection): AsyncGenerator<Uint8Array> {
  const out = new ByteWriter();
  return rowsWritten(selection, out, (batch, row) => {
    writeVector(out, batch, row, TAB);
    out.byte(LF);
  });
}

async function* metadataChunks(selection: Selection): AsyncGenerator<Uint8Array> {
  const { field, fields, hasWeights } = selection;
  const { word } = await checkedWords(selection, cells);
  const names = fields.map((name) => name.replaceAll(cells.replaced, "_"));
  const out = new ByteWriter();
  out.text(`${field === undefined ? "field\t" : ""}key\tcount${hasWeights ? "\tweight" : ""}\n`);
  yield* rowsWritten(withoutVectors(selection), out, (batch, row) => {
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

function rowsWritten(
  selection: Pick<Selection, "batches">,
  out: ByteWriter,
  write: (batch: Batch, row: number) => void,
): AsyncGenerator<Uint8Array> {
  return chunksByRow(selection, out, (batch) => (row) => {
    if (!isHole(batch.table, row)) write(batch, row);
  });
}

function writeVector(out: ByteWriter, { table }: Batch, row: number, separator: number): void {
  const { dim, vectors } = table;
  for (let d = 0; d < dim; d++) {
    if (d > 0) out.byte(separator);
    out.float32(vectors[row * dim + d]!);
  }
}

/** The weight, where it is asked for, is one more dimension. */
function writeLastWeight(out: ByteWriter, { weights }: Batch, row: number, separator: number): void {
  if (!weights) return;
  out.byte(separator);
  out.float32(weights[row]!);
}
