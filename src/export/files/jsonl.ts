// Formats of a JSON document a row.
//
//   jsonl                {"field":...,"key":...,"count":...[,"weight":...],"vector":[...][,text]}
//   qdrant-jsonl         {"id":row,"payload":{"field":...,"key":...,"count":...[,"weight":...]},"vector":[...]}, a point of an upsert
//   elasticsearch-bulk   {"index":{"_id":"key"}}, then jsonl's line: the body of a _bulk request to an index
//
// jsonl has holes of --row-order too, the others leave them out. Sources: Qdrant's "Points", Elasticsearch's "Bulk API".

import { isHole } from "../../embedding/table.js";
import { ByteWriter } from "./byte-writer.js";
import { chunksByRow, keyBytes, nameBytes, type Batch, type RowTexts, type Selection } from "../selection.js";

/** One JSON object a row. */
export function jsonlChunks(selection: Selection): AsyncGenerator<Uint8Array> {
  const out = new ByteWriter();
  return chunksByRow(selection, out, (batch) => documentWriter(out, batch, selection.texts));
}

/** One point a row, whose id is the row's number within the export, from 0. */
export function qdrantChunks(selection: Selection): AsyncGenerator<Uint8Array> {
  const out = new ByteWriter();
  return chunksByRow(selection, out, (batch) => {
    const { facts, vector } = documentParts(out, batch);
    return (row) => {
      if (isHole(batch.table, row)) return;
      out.text('{"id":');
      out.integer(batch.start + row);
      out.text(',"payload":{');
      facts(row);
      out.text('},"vector":');
      vector(row);
      out.text("}\n");
    };
  });
}

/** An action and a document a row. */
export function elasticsearchChunks(selection: Selection): AsyncGenerator<Uint8Array> {
  const out = new ByteWriter();
  return chunksByRow(selection, out, (batch) => {
    const write = documentWriter(out, batch);
    return (row) => {
      if (isHole(batch.table, row)) return;
      out.text('{"index":{"_id":');
      out.bytes(jsonString(nameBytes(batch, row)));
      out.text("}}\n");
      write(row);
    };
  });
}

function documentWriter(out: ByteWriter, batch: Batch, texts?: RowTexts): (row: number) => void {
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

/** What writes a row's members, and what its vector. */
export function documentParts(
  out: ByteWriter,
  batch: Batch,
): { facts: (row: number) => void; vector: (row: number) => void } {
  return { facts: factsWriter(out, batch), vector: vectorWriter(out, batch) };
}

/** Writes field, key, count and, where asked for, weight as members of an object. */
function factsWriter(out: ByteWriter, { table, weights }: Batch): (row: number) => void {
  const heads = table.fields.map((name) => Buffer.from(`"field":${JSON.stringify(name)},"key":`));
  const [count, weight] = [',"count":', ',"weight":'].map((name) => Buffer.from(name));
  return (row) => {
    out.bytes(heads[table.fieldOf[row]!]!);
    out.bytes(jsonString(keyBytes(table, row)));
    out.bytes(count!);
    out.integer(table.counts[row]!);
    if (weights) {
      out.bytes(weight!);
      out.float32(weights[row]!);
    }
  };
}

function vectorWriter(out: ByteWriter, { table: { dim, vectors } }: Batch): (row: number) => void {
  return (row) => {
    out.byte(91);
    for (let j = 0; j < dim; j++) {
      if (j > 0) out.byte(44);
      out.float32(vectors[row * dim + j]!);
    }
    out.byte(93);
  };
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
