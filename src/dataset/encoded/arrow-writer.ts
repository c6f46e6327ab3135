// Writes an Arrow IPC file batch by batch, with dictionaries at the end.
//
// The file format allows dictionaries at any position, because its footer lists the positions. Codes are assigned by
// first appearance, so a dictionary is complete only after the last row.

import type { Keys } from "../../log/keys.js";
import type * as Arrow from "apache-arrow";
import { arrow } from "../../io/apache-arrow-whole.js";
import type { ChunkWriter } from "../../io/write.js";

export class ArrowFileWriter {
  readonly #file: ChunkWriter;
  readonly #schema: Arrow.Schema;
  readonly #writer: LateDictionaryWriter;
  #ready: Uint8Array[] = [];

  constructor(file: ChunkWriter, fields: Arrow.Field[]) {
    this.#file = file;
    this.#schema = new arrow.Schema(fields);
    const ready = (bytes: Uint8Array) => this.#ready.push(bytes);
    // streams the writer's output to the file, so that at most one batch is in memory
    class Sink extends arrow.AsyncByteQueue {
      override write(value: Parameters<Arrow.AsyncByteQueue["write"]>[0]): void {
        // the Arrow file writer passes only typed arrays, although the method's type allows other values
        if (ArrayBuffer.isView(value)) {
          ready(new Uint8Array(value.buffer, value.byteOffset, value.byteLength));
        }
      }
    }
    this.#writer = new LateDictionaryWriter();
    this.#writer.reset(new Sink(), this.#schema);
  }

  /** Writes a batch. The caller may reuse its arrays when the promise resolves. */
  async writeBatch(length: number, children: Arrow.Data[]): Promise<void> {
    const type = new arrow.Struct(this.#schema.fields);
    const data = arrow.makeData({ type, length, nullCount: 0, children });
    this.#writer.write(new arrow.RecordBatch(this.#schema, data));
    await this.#flush();
  }

  async writeDictionary(id: number, dictionary: Keys): Promise<void> {
    this.#writer.writeDictionary(textData(dictionary), id);
    await this.#flush();
  }

  /** Writes the footer, which lists the positions of batches and dictionaries. */
  async finish(): Promise<void> {
    this.#writer.finish();
    await this.#flush();
  }

  async #flush(): Promise<void> {
    for (const chunk of this.#ready) await this.#file.write(chunk);
    this.#ready = [];
    await this.#file.flush();
  }
}

/** Arrow file writer that leaves the writing of dictionaries to the caller. */
class LateDictionaryWriter extends arrow.RecordBatchFileWriter {
  protected override _writeDictionaries(): this {
    return this;
  }

  writeDictionary(data: Arrow.Data, id: number): void {
    // oxlint-disable-next-line no-underscore-dangle -- protected method of the library
    this._writeDictionaryBatch(data, id);
  }
}

export function dictionaryType(id: number): Arrow.Dictionary<Arrow.Utf8, Arrow.Int32> {
  return new arrow.Dictionary(new arrow.Utf8(), new arrow.Int32(), id);
}

/** Returns keys as an Arrow column of text that shares their arrays. */
export function textData({ size, bytes, offsets }: Keys): Arrow.Data<Arrow.Utf8> {
  const valueOffsets = new Int32Array(offsets.buffer, offsets.byteOffset, offsets.length);
  return arrow.makeData({ type: new arrow.Utf8(), length: size, nullCount: 0, valueOffsets, data: bytes });
}

export const laterDictionary = new arrow.Vector([
  arrow.makeData({
    type: new arrow.Utf8(),
    length: 0,
    nullCount: 0,
    valueOffsets: new Int32Array(1),
    data: new Uint8Array(),
  }),
]);
