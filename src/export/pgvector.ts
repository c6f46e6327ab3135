// pgvector: text of PostgreSQL's COPY, for a table of
//
//   CREATE TABLE embeddings (field text, key text, count bigint, [weight real,] vector vector(DIM));
//   \copy embeddings FROM 'embeddings.copy'
//
// Backslash, tab and line ends are escaped, so that keys come back exactly. Holes of --row-order are left out.
// Sources: PostgreSQL's COPY, "Text Format"; pgvector's README.

import { UsageError } from "../errors.js";
import { isHole } from "../embedding/table.js";
import { ByteWriter } from "./byte-writer.js";
import { chunksByRow, keyBytes, type Selection } from "./selection.js";

const MAX_DIM = 16_000;
const ESCAPES: Record<string, string> = { "\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r" };

/** The bytes of the file. @throws {UsageError} more dimensions than pgvector takes */
export async function* pgvectorChunks(selection: Selection): AsyncGenerator<Uint8Array> {
  const { dim } = selection;
  if (dim > MAX_DIM) throw new UsageError(`vectors of ${dim} dimensions: pgvector takes at most ${MAX_DIM}`);
  const out = new ByteWriter();
  const fields = selection.fields.map((name) => escaped(Buffer.from(name)));
  yield* chunksByRow(selection, out, ({ table, weights }) => (row) => {
    if (isHole(table, row)) return;
    out.bytes(fields[table.fieldOf[row]!]!);
    out.byte(9);
    out.bytes(escaped(keyBytes(table, row)));
    out.byte(9);
    out.integer(table.counts[row]!);
    out.byte(9);
    if (weights) {
      out.float32(weights[row]!);
      out.byte(9);
    }
    out.byte(91);
    for (let d = 0; d < dim; d++) {
      if (d > 0) out.byte(44);
      out.float32(table.vectors[row * dim + d]!);
    }
    out.text("]\n");
  });
}

function escaped(text: Uint8Array): Uint8Array {
  if (!text.some((byte) => byte === 92 || byte === 9 || byte === 10 || byte === 13)) return text;
  return Buffer.from(
    Buffer.from(text)
      .toString("utf8")
      .replaceAll(/[\\\t\n\r]/g, (c) => ESCAPES[c]!),
  );
}
