// embeddings.arrow, read a batch at a time at any place: only the columns that a pass asks for (arrow.ts has the layout).
//
// apache-arrow reads the footer and the fields' names; a batch's columns lie where its header says:
//
//   buffer   0  1        2  3        4     5  6      7  8       9  10       11      12
//   holds    -  field    -  key's    key   -  count  -  weight  -  -        vector
//                           offsets                  (with weights only)
//
// where `-` is a bitmap of nulls, which no column has.

import type * as Arrow from "apache-arrow";
import { ArtifactError } from "../errors.js";
import { errorCode } from "../io/error-code.js";
import { asIoError } from "../io/write.js";
import type { ReadHandle } from "../io/read-artifact.js";
import { loadRows, sliceRows, type Pass, type TableRows } from "./rows.js";
import type { EmbeddingTable } from "./table.js";

/** An IPC file: all its bytes, or a handle of node:fs from which batches are read one at a time. */
export type ArrowSource = Uint8Array | ReadHandle;

/**
 * The table that an IPC file holds; its arrays are copies.
 *
 * @param name the file's, for messages
 * @throws {ArtifactError} the bytes are damaged, or are not such a table
 */
export async function readArrow(source: ArrowSource, name: string): Promise<EmbeddingTable> {
  return await loadRows(await arrowRows(source, name));
}

/** Where a batch's header lies, and how long header and body are, in bytes. */
interface Block {
  offset: number;
  metaDataLength: number;
  bodyLength: number;
}

/**
 * The rows of an IPC file, which must stay open while they are read.
 *
 * @param name the file's, for messages
 * @throws {ArtifactError} the bytes are damaged, or are not such a table
 */
export async function arrowRows(source: ArrowSource, name: string): Promise<TableRows> {
  const { arrow } = await import("../io/apache-arrow.js");
  return await asArtifact(name, async () => {
    // the schema stands in the file's footer, so reading needs a source that seeks
    const reader = await (ArrayBuffer.isView(source)
      ? arrow.RecordBatchReader.from(source)
      : arrow.RecordBatchReader.from(source));
    await reader.open({ autoDestroy: false });
    const shape = shapeOf(arrow, reader.schema, name);
    const names: Arrow.Vector | undefined = reader.dictionaries.get(0);
    const fields = Array.from(names ?? [], String);
    const blocks: Block[] = reader.isFile() ? [...(reader.footer?.recordBatches() ?? [])] : [];
    const bytesAt = bytesOf(source, name);
    return {
      ...shape,
      fields,
      async *batches({ range = { first: 0, last: shape.numRows }, vectors = true }: Pass = {}) {
        let start = 0;
        for (const block of blocks) {
          if (start >= range.last) return;
          const batch = await asArtifact(name, () => batchAt(arrow, bytesAt, block, name));
          const [first, last] = [
            Math.max(range.first - start, 0),
            Math.min(range.last - start, batch.numRows),
          ];
          if (first < last) {
            const table = await asArtifact(name, () => batch.read({ ...shape, fields }, vectors));
            const isWhole = first === 0 && last === table.numRows;
            yield { start: start + first, table: isWhole ? table : sliceRows(table, { first, last }) };
          }
          start += batch.numRows;
          if (start > shape.numRows)
            throw unreadable(name, `more rows than the ${shape.numRows} it promises`);
        }
        if (start < range.last) throw unreadable(name, `${start} rows, its header promises ${shape.numRows}`);
      },
    };
  });
}

type Shape = Omit<TableRows, "batches">;
type BytesAt = (offset: number, length: number) => Promise<ArrayBuffer>;

/** A batch's number of rows, and what reads its columns. */
async function batchAt(
  { Message }: typeof Arrow,
  bytesAt: BytesAt,
  { offset, metaDataLength, bodyLength }: Block,
  name: string,
): Promise<{ numRows: number; read: (shape: Shape, vectors: boolean) => Promise<EmbeddingTable> }> {
  // a marker and a length stand before the header
  const message = Message.decode(new Uint8Array(await bytesAt(offset, metaDataLength), 8));
  if (!message.isRecordBatch()) throw unreadable(name, "a batch without a header");
  const { length: numRows, buffers } = message.header();
  const column = async (index: number, numBytes?: number): Promise<ArrayBuffer> => {
    const at = buffers[index];
    const wanted = numBytes ?? at?.length ?? 0;
    if (!at || at.length < wanted || at.offset + wanted > bodyLength)
      throw unreadable(name, "a batch is shorter than its rows");
    return await bytesAt(offset + metaDataLength + at.offset, wanted);
  };
  const read = async ({ dim, fields, hasWeights }: Shape, vectors: boolean): Promise<EmbeddingTable> => {
    const offsets = new Uint32Array(await column(3, 4 * (numRows + 1)));
    const bytes = new Uint8Array(await column(4, offsets[numRows]));
    return {
      dim,
      numRows,
      fields,
      fieldOf: new Uint32Array(await column(1, 4 * numRows)),
      keys: { size: numRows, bytes, offsets },
      counts: new Uint32Array(await column(6, 4 * numRows)),
      ...(hasWeights && { weights: new Float32Array(await column(8, 4 * numRows)) }),
      vectors: vectors
        ? new Float32Array(await column(hasWeights ? 11 : 9, 4 * numRows * dim))
        : new Float32Array(0),
    };
  };
  return { numRows, read };
}

/** Reads bytes of the file into a buffer of their own. */
function bytesOf(source: ArrowSource, name: string): BytesAt {
  return async (offset, length) => {
    const bytes = new Uint8Array(length);
    if (ArrayBuffer.isView(source)) {
      const found = source.subarray(offset, offset + length);
      if (found.length < length) throw unreadable(name, "it ends before its rows do");
      bytes.set(found);
      return bytes.buffer;
    }
    for (let at = 0; at < length;) {
      const { bytesRead } = await source.read(bytes, at, length - at, offset + at);
      if (bytesRead === 0) throw unreadable(name, "it ends before its rows do");
      at += bytesRead;
    }
    return bytes.buffer;
  };
}

async function asArtifact<T>(name: string, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    // a disk that fails is no damaged table; the rest is what apache-arrow stumbles over in the bytes
    if (error instanceof ArtifactError || /^E(?!RR_)/.test(errorCode(error)))
      throw asIoError(error, `reading '${name}' failed`);
    throw unreadable(name, String(error), error);
  }
}

function unreadable(name: string, why: string, cause?: unknown): ArtifactError {
  const text = `'${name}' cannot be read as an embedding table (${why}): restore it or train again`;
  return new ArtifactError(text, { cause });
}

function shapeOf(arrow: typeof Arrow, schema: Arrow.Schema, name: string): Omit<Shape, "fields"> {
  const names = schema.fields.map((field) => field.name).join(",");
  const numRows = Number(schema.metadata.get("rows") ?? Number.NaN);
  if (!/^field,key,count,(weight,)?vector$/.test(names) || !Number.isSafeInteger(numRows) || numRows < 0) {
    throw unreadable(
      name,
      `expected the columns field,key,count[,weight],vector and a number of rows, got ${names}`,
    );
  }
  const vector: unknown = schema.fields.at(-1)!.type;
  if (!arrow.DataType.isFixedSizeList(vector)) throw unreadable(name, "its vectors are no fixed-size lists");
  return { numRows, dim: vector.listSize, hasWeights: names.includes("weight") };
}
