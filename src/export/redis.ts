// redis: commands in Redis's own protocol, for `redis-cli --pipe`: a hash a row, named by its key.
//
//   HSET [PREFIX:]key count N vector <f32[dim], little-endian> [weight W]
//
// The vector is a blob as RediSearch's VECTOR fields of type FLOAT32 take it. Holes of --row-order are left out.
// Source: Redis serialization protocol specification, "Arrays" and "Bulk strings".

import { isHole } from "../embedding/table.js";
import { ByteWriter } from "./byte-writer.js";
import { bytesOf, chunksByRow, nameBytes, type Batch, type Selection } from "./selection.js";

/** The bytes of the commands. */
export function redisChunks(selection: Selection): AsyncGenerator<Uint8Array> {
  const out = new ByteWriter();
  const bulk = (bytes: Uint8Array): void => {
    out.text(`$${bytes.length}\r\n`);
    out.bytes(bytes);
    out.text("\r\n");
  };
  const hashOf = hasher();
  const { prefix } = selection;
  const start = Buffer.from(prefix === undefined ? "" : `${prefix}:`);
  const head = `*${selection.hasWeights ? 8 : 6}\r\n$4\r\nHSET\r\n`;
  return chunksByRow(selection, out, (batch) => (row) => {
    if (isHole(batch.table, row)) return;
    out.text(head);
    bulk(Buffer.concat([start, nameBytes(batch, row)]));
    for (const part of hashOf(batch, row)) bulk(typeof part === "string" ? Buffer.from(part) : part);
  });
}

/** What makes of a row its hash, names and values in turn; the vector is a view. It throws an ArtifactError where a weight is not finite. */
export function hasher(): (batch: Batch, row: number) => (string | Uint8Array)[] {
  const number = new ByteWriter();
  return ({ table, weights }, row) => {
    const { dim, counts, vectors } = table;
    const vector = bytesOf(vectors.subarray(row * dim, (row + 1) * dim));
    const hash = ["count", String(counts[row]!), "vector", vector];
    if (!weights) return hash;
    number.float32(weights[row]!);
    return [...hash, "weight", Buffer.from(number.take()).toString("latin1")];
  };
}
