// redis: commands in Redis's own protocol, for `redis-cli --pipe`: a hash a row, named by its key.
//
//   HSET key count N vector <f32[dim], little-endian> [weight W]
//
// The vector is a blob as RediSearch's VECTOR fields of type FLOAT32 take it. Holes of --row-order are left out.
// Source: Redis serialization protocol specification, "Arrays" and "Bulk strings".

import { isHole } from "../embedding/table.js";
import { ByteWriter } from "./byte-writer.js";
import { chunksByRow, oneKeyBytes, type Selection } from "./selection.js";

/** The bytes of the commands. */
export function redisChunks(selection: Selection): Generator<Uint8Array> {
  const { table, weights } = selection;
  const { dim, vectors } = table;
  const out = new ByteWriter();
  const bulk = (bytes: Uint8Array): void => {
    out.text(`$${bytes.length}\r\n`);
    out.bytes(bytes);
    out.text("\r\n");
  };
  const text = (value: string): void => bulk(Buffer.from(value));
  const number = new ByteWriter();
  const head = `*${weights ? 8 : 6}\r\n$4\r\nHSET\r\n`;
  return chunksByRow(selection, out, (row) => {
    if (isHole(table, row)) return;
    out.text(head);
    bulk(oneKeyBytes(selection, row));
    text("count");
    text(String(table.counts[row]!));
    text("vector");
    bulk(new Uint8Array(vectors.buffer, vectors.byteOffset + 4 * row * dim, 4 * dim));
    if (!weights) return;
    text("weight");
    number.float32(weights[row]!);
    bulk(number.take());
  });
}
