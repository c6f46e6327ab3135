// redis: commands in Redis's own protocol, for `redis-cli --pipe`: a hash a row, named by its key.
//
//   HSET key count N vector <f32[dim], little-endian> [weight W]
//
// The vector is a blob as RediSearch's VECTOR fields of type FLOAT32 take it. Holes of --row-order are left out.
// Source: Redis serialization protocol specification, "Arrays" and "Bulk strings".

import { isHole } from "../embedding/table.js";
import { ByteWriter } from "./byte-writer.js";
import { bytesOf, chunksByRow, nameBytes, type Selection } from "./selection.js";

/** The bytes of the commands. */
export function redisChunks(selection: Selection): AsyncGenerator<Uint8Array> {
  const { dim, hasWeights } = selection;
  const out = new ByteWriter();
  const bulk = (bytes: Uint8Array): void => {
    out.text(`$${bytes.length}\r\n`);
    out.bytes(bytes);
    out.text("\r\n");
  };
  const text = (value: string): void => bulk(Buffer.from(value));
  const number = new ByteWriter();
  const head = `*${hasWeights ? 8 : 6}\r\n$4\r\nHSET\r\n`;
  return chunksByRow(selection, out, (batch) => (row) => {
    const { table, weights } = batch;
    if (isHole(table, row)) return;
    out.text(head);
    bulk(nameBytes(batch, row));
    text("count");
    text(String(table.counts[row]!));
    text("vector");
    bulk(bytesOf(table.vectors.subarray(row * dim, (row + 1) * dim)));
    if (!weights) return;
    text("weight");
    number.float32(weights[row]!);
    bulk(number.take());
  });
}
