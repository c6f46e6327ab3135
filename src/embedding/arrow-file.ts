// Record batches → the bytes of an Arrow IPC file, as they come.

import type * as Arrow from "apache-arrow";

/** The file's bytes in chunks; a chunk may be a view of a batch's arrays. */
export async function* arrowFileChunks(
  arrow: typeof Arrow,
  schema: Arrow.Schema,
  batches: AsyncIterable<Arrow.RecordBatch>,
): AsyncGenerator<Uint8Array> {
  // whatever the writer hands to its sink is given on at once, so that no more than a batch is held
  let ready: Uint8Array[] = [];
  class Sink extends arrow.AsyncByteQueue {
    override write(value: Parameters<Arrow.AsyncByteQueue["write"]>[0]): void {
      // the file writer hands over views only
      if (ArrayBuffer.isView(value))
        ready.push(new Uint8Array(value.buffer, value.byteOffset, value.byteLength));
    }
  }
  const take = (): Uint8Array[] => {
    const taken = ready;
    ready = [];
    return taken;
  };
  const writer = new arrow.RecordBatchFileWriter();
  writer.reset(new Sink(), schema);
  for await (const batch of batches) {
    writer.write(batch);
    yield* take();
  }
  writer.finish();
  yield* take();
}
