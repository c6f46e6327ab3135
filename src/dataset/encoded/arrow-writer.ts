// An Arrow IPC file that is written as its batches come, dictionaries last.
//
// The file format lets dictionaries stand anywhere, since the footer says where; codes are given by first appearance, so
// that a dictionary is whole only when the last row is in.

import type { Keys } from "../../log/keys.js";
import type * as Arrow from "apache-arrow";
import { arrow } from "../../io/apache-arrow-whole.js";
import type { ChunkWriter } from "../../io/write.js";

/** Writes record batches and dictionaries to a file. */
export class ArrowFile {
  readonly #file: ChunkWriter;
  readonly #schema: Arrow.Schema;
  readonly #writer: LateDictionaryWriter;
  #ready: Uint8Array[] = [];

  constructor(file: ChunkWriter, fields: Arrow.Field[]) {
    this.#file = file;
    this.#schema = new arrow.Schema(fields);
    const ready = (bytes: Uint8Array) => this.#ready.push(bytes);
    // whatever the writer hands to its sink goes to the file, so that no more than a batch is held
    class Sink extends arrow.AsyncByteQueue {
      override write(value: Parameters<Arrow.AsyncByteQueue["write"]>[0]): void {
        // the file writer hands over views only
        if (ArrayBuffer.isView(value)) {
          ready(new Uint8Array(value.buffer, value.byteOffset, value.byteLength));
        }
      }
    }
    this.#writer = new LateDictionaryWriter();
    this.#writer.reset(new Sink(), this.#schema);
  }

  /** Writes a batch; its arrays may be used again when that is done. */
  async writeBatch(length: number, children: Arrow.Data[]): Promise<void> {
    const type = new arrow.Struct(this.#schema.fields);
    const data = arrow.makeData({ type, length, nullCount: 0, children });
    this.#writer.write(new arrow.RecordBatch(this.#schema, data));
    await this.#flush();
  }

  /** Writes the dictionary of an id. */
  async writeDictionary(id: number, dictionary: Keys): Promise<void> {
    this.#writer.writeDictionary(textData(dictionary), id);
    await this.#flush();
  }

  /** Writes the footer. */
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

/** A file writer that leaves dictionaries to its caller. */
class LateDictionaryWriter extends arrow.RecordBatchFileWriter {
  protected override _writeDictionaries(): this {
    return this;
  }

  writeDictionary(data: Arrow.Data, id: number): void {
    // oxlint-disable-next-line no-underscore-dangle -- the library's name for what it lets subclasses use
    this._writeDictionaryBatch(data, id);
  }
}

/** dictionary<utf8>, i32 indices. */
export function dictionaryType(id: number): Arrow.Dictionary<Arrow.Utf8, Arrow.Int32> {
  return new arrow.Dictionary(new arrow.Utf8(), new arrow.Int32(), id);
}

/** Keys as a column of text; a view of the dictionary's arrays. */
export function textData({ size, bytes, offsets }: Keys): Arrow.Data<Arrow.Utf8> {
  const valueOffsets = new Int32Array(offsets.buffer, offsets.byteOffset, offsets.length);
  return arrow.makeData({ type: new arrow.Utf8(), length: size, nullCount: 0, valueOffsets, data: bytes });
}

/** The dictionary of a column whose dictionary comes later. */
export const laterDictionary = new arrow.Vector([
  arrow.makeData({
    type: new arrow.Utf8(),
    length: 0,
    nullCount: 0,
    valueOffsets: new Int32Array(1),
    data: new Uint8Array(),
  }),
]);
