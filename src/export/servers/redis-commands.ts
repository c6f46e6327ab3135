// Commands for Redis, and their bytes in its own protocol, which `redis-cli --pipe` takes.
//
// Source: Redis serialization protocol specification, "Arrays" and "Bulk strings".

import { ByteWriter } from "../files/byte-writer.js";

/** A command's name and arguments; bytes may be views that hold until the next command is asked for. */
export type Command = readonly (string | Uint8Array)[];

/** Commands, a batch of rows at a time. */
export type Commands = AsyncIterable<Iterable<Command>>;

/** The bytes of the commands, in chunks. */
export async function* commandChunks(commands: Commands): AsyncGenerator<Uint8Array> {
  const out = new ByteWriter();
  for await (const batch of commands)
    for (const command of batch) {
      out.text(`*${command.length}\r\n`);
      for (const part of command) {
        const bytes = typeof part === "string" ? Buffer.from(part) : part;
        out.text(`$${bytes.length}\r\n`);
        out.bytes(bytes);
        out.text("\r\n");
      }
      if (out.isFull) yield out.take();
    }
  yield out.take();
}
