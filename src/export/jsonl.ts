// jsonl: one object a line, {"field":...,"key":...,"count":...[,"weight":...],"vector":[...]}.

import { ByteWriter } from "./byte-writer.js";
import { chunksByRow, keyBytes, type Selection } from "./selection.js";

/** One JSON object a row. */
export function jsonlChunks(selection: Selection): Generator<Uint8Array> {
  const { table, weights } = selection;
  const { dim, vectors } = table;
  const out = new ByteWriter();
  const heads = table.fields.map((name) => Buffer.from(`{"field":${JSON.stringify(name)},"key":`));
  const [count, weight, vector] = [',"count":', ',"weight":', ',"vector":['].map((name) => Buffer.from(name));
  return chunksByRow(selection, out, (row) => {
    out.bytes(heads[table.fieldOf[row]!]!);
    out.bytes(jsonString(keyBytes(table, row)));
    out.bytes(count!);
    out.integer(table.counts[row]!);
    if (weights) {
      out.bytes(weight!);
      out.float32(weights[row]!);
    }
    out.bytes(vector!);
    for (let j = 0; j < dim; j++) {
      if (j > 0) out.byte(44);
      out.float32(vectors[row * dim + j]!);
    }
    out.text("]}\n");
  });
}

/** UTF-8 text as a JSON string; most keys need no escape and no detour over a string. */
export function jsonString(text: Uint8Array): Uint8Array {
  if (text.some((byte) => byte < 32 || byte === 34 || byte === 92)) {
    return Buffer.from(JSON.stringify(Buffer.from(text).toString("utf8")));
  }
  const quoted = new Uint8Array(text.length + 2).fill(34);
  quoted.set(text, 1);
  return quoted;
}
