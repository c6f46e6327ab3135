// Formats with a JSON document per row.
//
//   jsonl                {"field":...,"key":...,"count":...[,"weight":...],"vector":[...][,text]}
//   qdrant-jsonl         {"id":row,"payload":{"field":...,"key":...,"count":...[,"weight":...]},"vector":[...]}
//   elasticsearch-bulk   {"index":{"_id":"key"}}, then the line of jsonl: the body of a _bulk request to an index
//
// jsonl contains the rows that --row-order left without a key, the others omit them. Sources: Qdrant's "Points",
// Elasticsearch's "Bulk API".

import { fileFormat } from "../format.js";
import { elasticsearchId } from "../key-rules.js";
import { ByteWriter } from "./byte-writer.js";
import {
  chunksByRow,
  keyBytes,
  keyedChunks,
  nameBytes,
  type ExportBatch,
  type RowTexts,
} from "../selection.js";

export const jsonl = fileFormat({
  summary: "one JSON object per line",
  chunks(selection) {
    const out = new ByteWriter();
    return chunksByRow(selection, out, (batch) => documentWriter(out, batch, selection.texts));
  },
});

/** The id of a point is the index of the row in the export, from 0. */
export const qdrantJsonl = fileFormat({
  summary: "one point per line",
  chunks(selection) {
    const out = new ByteWriter();
    return keyedChunks(selection, out, (batch) => {
      const { facts, vector } = documentParts(out, batch);
      return (row) => {
        out.text('{"id":');
        out.integer(batch.start + row);
        out.text(',"payload":{');
        facts(row);
        out.text('},"vector":');
        vector(row);
        out.text("}\n");
      };
    });
  },
});

export const elasticsearchBulk = fileFormat({
  summary: "body of a _bulk request",
  oneKeyColumn: true,
  keys: elasticsearchId,
  chunks(selection) {
    const out = new ByteWriter();
    return keyedChunks(selection, out, (batch) => {
      const write = documentWriter(out, batch);
      return (row) => {
        out.text('{"index":{"_id":');
        out.bytes(jsonString(nameBytes(batch, row)));
        out.text("}}\n");
        write(row);
      };
    });
  },
});

function documentWriter(out: ByteWriter, batch: ExportBatch, texts?: RowTexts): (row: number) => void {
  const { facts, vector } = documentParts(out, batch);
  return (row) => {
    out.byte(123);
    facts(row);
    out.text(',"vector":');
    vector(row);
    if (texts)
      out.text(`,${JSON.stringify(texts.name)}:${JSON.stringify(texts.of(keyBytes(batch.table, row)))}`);
    out.text("}\n");
  };
}

/** Returns functions that write the members of a row (field, key, count, weight if requested), and its vector. */
export function documentParts(
  out: ByteWriter,
  { table, weights }: ExportBatch,
): { facts: (row: number) => void; vector: (row: number) => void } {
  const heads = table.fields.map((name) => Buffer.from(`"field":${JSON.stringify(name)},"key":`));
  const [count, weight] = [',"count":', ',"weight":'].map((name) => Buffer.from(name));
  const { dim, vectors } = table;
  return {
    facts(row) {
      out.bytes(heads[table.fieldOf[row]!]!);
      out.bytes(jsonString(keyBytes(table, row)));
      out.bytes(count!);
      out.integer(table.counts[row]!);
      if (weights) {
        out.bytes(weight!);
        out.float32(weights[row]!);
      }
    },
    vector(row) {
      out.byte(91);
      out.float32s(vectors, row * dim, (row + 1) * dim, 44);
      out.byte(93);
    },
  };
}

/** Converts UTF-8 text to a JSON string; most keys contain no escapes and are copied as bytes. */
export function jsonString(text: Uint8Array): Uint8Array {
  if (text.some((byte) => byte < 32 || byte === 34 || byte === 92)) {
    return Buffer.from(JSON.stringify(Buffer.from(text).toString("utf8")));
  }
  const quoted = new Uint8Array(text.length + 2).fill(34);
  quoted.set(text, 1);
  return quoted;
}
