// pgvector: input of PostgreSQL's COPY, for the table
//
//   CREATE TABLE embeddings (field text, key text, count bigint, [weight real,] vector vector(DIM));
//   \copy embeddings FROM 'embeddings.copy'
//
// Backslash, tab and line ends are escaped, so that keys are exact. Rows that --row-order left without a key are
// omitted. Sources: PostgreSQL's COPY, "Text Format"; pgvector's README.

import { UsageError } from "../../base/errors.js";
import { fileFormat } from "../format.js";
import { postgresText } from "../key-rules.js";
import { ByteWriter } from "./byte-writer.js";
import { copyText, quotedIdentifier, vectorSchema, type PostgresColumn } from "../servers/postgres-table.js";
import { replaceInPostgres } from "../servers/postgres-server.js";
import { keyBytes, keyedChunks, type Selection } from "../selection.js";
import type { Sent, ServerTarget } from "../servers/server.js";

const MAX_DIM = 16_000;

export const pgvector = fileFormat({
  summary: "PostgreSQL COPY text; --url-env writes to a server",
  keys: postgresText,
  send: sendToPostgres,
  chunks: pgvectorChunks,
});

async function* pgvectorChunks(selection: Selection): AsyncGenerator<Uint8Array> {
  const { dim } = selection;
  if (dim > MAX_DIM) throw new UsageError(`pgvector supports at most ${MAX_DIM} dimensions, got ${dim}`);
  const out = new ByteWriter();
  const fields = selection.fields.map((name) => copyText(Buffer.from(name)));
  yield* keyedChunks(selection, out, ({ table, weights }) => (row) => {
    out.bytes(fields[table.fieldOf[row]!]!);
    out.byte(9);
    out.bytes(copyText(keyBytes(table, row)));
    out.byte(9);
    out.integer(table.counts[row]!);
    out.byte(9);
    if (weights) {
      out.float32(weights[row]!);
      out.byte(9);
    }
    out.byte(91);
    out.float32s(table.vectors, row * dim, (row + 1) * dim, 44);
    out.text("]\n");
  });
}

async function sendToPostgres(selection: Selection, target: ServerTarget): Promise<Sent> {
  const vector = `vector(${selection.dim})`;
  const columns = async (transaction: Parameters<typeof vectorSchema>[0]): Promise<PostgresColumn[]> => [
    { name: "field", type: "text" },
    { name: "key", type: "text" },
    { name: "count", type: "bigint" },
    ...(selection.hasWeights ? [{ name: "weight", type: "real" }] : []),
    {
      name: "vector",
      type: vector,
      sql: `${quotedIdentifier(await vectorSchema(transaction, target.variable))}.${vector}`,
    },
  ];
  const chunks = () => pgvectorChunks(selection);
  return await replaceInPostgres({ columns, key: ["field", "key"], chunks }, target);
}
