// csv and tsv: field,key,count[,weight],v0,v1,...[,text] with a header and LF line ends.
//
// In both, cells are quoted by RFC 4180: a cell that contains the delimiter, a quote, CR or LF is quoted, and its
// quotes are doubled. So a reader of quoted cells gets every key exactly.

import { fileFormat } from "../format.js";
import { ByteWriter } from "./byte-writer.js";
import { chunksByRow, keyBytes, type Selection } from "../selection.js";

const [QUOTE, LF, CR] = [34, 10, 13];

export const csv = fileFormat({
  summary: "field,key,count,v0,...",
  chunks: (selection) => delimitedChunks(selection, ","),
});

export const tsv = fileFormat({
  summary: "like csv, with tabs",
  chunks: (selection) => delimitedChunks(selection, "\t"),
});

function delimitedChunks(selection: Selection, delimiter: string): AsyncGenerator<Uint8Array> {
  const { dim, hasWeights, texts } = selection;
  const comma = delimiter.charCodeAt(0);
  const out = new ByteWriter();
  const names = ["field", "key", "count", ...(hasWeights ? ["weight"] : [])];
  for (let j = 0; j < dim; j++) names.push(`v${j}`);
  if (texts) names.push(texts.name);
  out.text(`${names.join(delimiter)}\n`);

  const fields = selection.fields.map((name) => quotedCell(Buffer.from(name, "utf8"), comma));
  return chunksByRow(selection, out, ({ table, weights }) => (row) => {
    out.bytes(fields[table.fieldOf[row]!]!);
    out.byte(comma);
    out.bytes(quotedCell(keyBytes(table, row), comma));
    out.byte(comma);
    out.integer(table.counts[row]!);
    if (weights) {
      out.byte(comma);
      out.float32(weights[row]!);
    }
    out.byte(comma);
    out.float32s(table.vectors, row * dim, (row + 1) * dim, comma);
    if (texts) {
      out.byte(comma);
      out.bytes(quotedCell(Buffer.from(texts.of(keyBytes(table, row)), "utf8"), comma));
    }
    out.byte(LF);
  });
}

export function quotedCell(cell: Uint8Array, delimiter: number): Uint8Array {
  let [needed, quotes] = [false, 0];
  for (const byte of cell) {
    if (byte === QUOTE) quotes++;
    needed ||= byte === delimiter || byte === QUOTE || byte === LF || byte === CR;
  }
  if (!needed) return cell;
  const quoted = new Uint8Array(cell.length + quotes + 2);
  quoted[0] = QUOTE;
  let end = 1;
  for (const byte of cell) {
    if (byte === QUOTE) quoted[end++] = QUOTE;
    quoted[end++] = byte;
  }
  quoted[end] = QUOTE;
  return quoted;
}
