// redis: one hash per row, named by its key.
//
//   HSET PREFIX:KEY count N vector <f32[dim], little-endian> [weight W]
//
// The vector is a blob in the format of RediSearch's VECTOR fields of type FLOAT32. Rows that --row-order left without
// a key are omitted.

import { isHole } from "../../table/table.js";
import { fileFormat } from "../format.js";
import { ByteWriter } from "./byte-writer.js";
import { commandChunks, type RedisCommand } from "../servers/redis-connection.js";
import { replaceInRedis } from "../servers/redis-server.js";
import { byteView, nameBytes, type ExportBatch, type Selection } from "../selection.js";

export const redis = fileFormat({
  summary:
    "HSET commands for `redis-cli --pipe`, with keys PREFIX:KEY (--into PREFIX); --url-env writes to a server",
  oneKeyColumn: true,
  needsPrefix: true,
  chunks: (selection) =>
    commandChunks(rowCommands(selection, selection.prefix === undefined ? "" : `${selection.prefix}:`)),
  send: (selection, target) =>
    replaceInRedis({ kind: "vectors", commands: (prefix) => rowCommands(selection, prefix) }, target),
});

async function* rowCommands(selection: Selection, prefix: string): AsyncGenerator<Iterable<RedisCommand>> {
  const hashOf = hasher();
  for await (const batch of selection.batches()) yield commandsOf(batch);
  function* commandsOf(batch: ExportBatch): Generator<RedisCommand> {
    for (let row = 0; row < batch.table.numRows; row++) {
      if (isHole(batch.table, row)) continue;
      const key = Buffer.from(nameBytes(batch, row)).toString("utf8");
      yield ["HSET", prefix + key, ...hashOf(batch, row)];
    }
  }
}

/** Returns a function for the fields of a row's hash: names and values alternate, and the vector is a view. */
function hasher(): (batch: ExportBatch, row: number) => (string | Uint8Array)[] {
  const number = new ByteWriter();
  return ({ table, weights }, row) => {
    const { dim, counts, vectors } = table;
    const vector = byteView(vectors.subarray(row * dim, (row + 1) * dim));
    const hash = ["count", String(counts[row]!), "vector", vector];
    if (!weights) return hash;
    number.float32(weights[row]!);
    return [...hash, "weight", Buffer.from(number.take()).toString("latin1")];
  };
}
