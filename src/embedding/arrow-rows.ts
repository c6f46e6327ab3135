// Reads some rows of embeddings.arrow at a time, at any position, and only the columns that are requested (arrow.ts has the layout).
//
//   buffer   0  1        2  3        4     5  6      7  8       9  10       11      12
//   holds    -  field    -  key's    key   -  count  -  weight  -  -        vector
//                           offsets                  (with weights only)
//
// where `-` is a bitmap of nulls, which no column has.

import { ArtifactError } from "../errors.js";
import {
  ARROW_TYPES,
  ArrowFile,
  arrowBytesOf,
  type ArrowBytes,
  type ArrowBlock,
  type FailFile,
} from "../io/arrow-file.js";
import { errorCode } from "../io/error-code.js";
import { wrongIds } from "../io/offsets.js";
import { asIoError } from "../io/write.js";
import type { ReadHandle } from "../io/read-artifact.js";
import { loadRows, ROWS_A_BATCH, type RowPass, type TableRows } from "./rows.js";
import type { EmbeddingTable, RowRange } from "./table.js";

/** An IPC file: all its bytes, or an open file from which some rows are read at a time. */
export type ArrowSource = Uint8Array | ReadHandle;

/**
 * Reads the table of an IPC file; its arrays are copies.
 *
 * @param name name of the file, for messages
 * @throws {ArtifactError} the bytes are damaged, or are not such a table
 */
export async function readArrow(source: ArrowSource, name: string): Promise<EmbeddingTable> {
  return await loadRows(await arrowRows(source, name));
}

/**
 * Returns the rows of an IPC file, which must stay open while they are read.
 *
 * @param name name of the file, for messages
 * @throws {ArtifactError} the bytes are damaged, or are not such a table
 */
export async function arrowRows(source: ArrowSource, name: string): Promise<TableRows> {
  const fail = (why: string): never => {
    throw unreadable(name, why);
  };
  return await asArtifact(name, async () => {
    const bytes = await openArrowSource(source, fail);
    const file = await ArrowFile.open(bytes, fail);
    const shape = { ...shapeOf(file, fail), fields: await fieldsOf(file, fail) };
    // memory for all rows is allocated at once, so the file must be large enough for them
    const rowBytes = 12 + (shape.hasWeights ? 4 : 0) + 4 * shape.dim;
    if (shape.numRows * rowBytes > bytes.size)
      fail(`its header declares ${shape.numRows} rows of ${rowBytes} bytes, but it has ${bytes.size} bytes`);
    return {
      ...shape,
      async *batches({ range = { first: 0, last: shape.numRows }, vectors = true }: RowPass = {}) {
        let [start, field] = [0, 0];
        for (const block of file.batches) {
          if (start >= range.last) return;
          const batch = await asArtifact(name, () => batchAt(file, block));
          const end = Math.min(range.last - start, batch.numRows);
          for (let first = Math.max(range.first - start, 0); first < end; first += ROWS_A_BATCH) {
            const last = Math.min(first + ROWS_A_BATCH, end);
            const table = await asArtifact(name, () => batch.read(shape, { first, last }, vectors));
            checkFields(table, field, fail);
            field = table.fieldOf.at(-1)!;
            yield { start: start + first, table };
          }
          start += batch.numRows;
          if (start > shape.numRows) fail(`more rows than the ${shape.numRows} in its header`);
        }
        if (start < range.last) fail(`${start} rows, but its header declares ${shape.numRows}`);
      },
    };
  });
}

type Shape = Omit<TableRows, "batches">;

/** Returns a batch's number of rows, and a function that reads the columns of some of them. */
async function batchAt(
  file: ArrowFile,
  block: ArrowBlock,
): Promise<{
  numRows: number;
  read: (shape: Shape, range: RowRange, vectors: boolean) => Promise<EmbeddingTable>;
}> {
  const body = await file.batch(block);
  const read = async (
    { dim, fields, hasWeights }: Shape,
    { first, last }: RowRange,
    vectors: boolean,
  ): Promise<EmbeddingTable> => {
    const column = async (index: number, rowBytes = 4) =>
      (await file.bufferOf(body, index, rowBytes * (last - first), rowBytes * first)).buffer;
    return {
      dim,
      numRows: last - first,
      fields,
      fieldOf: new Uint32Array(await column(1)),
      keys: await file.textIn(body, 3, first, last),
      counts: new Uint32Array(await column(6)),
      ...(hasWeights && { weights: new Float32Array(await column(8)) }),
      vectors: vectors ? new Float32Array(await column(hasWeights ? 11 : 9, 4 * dim)) : new Float32Array(0),
    };
  };
  return { numRows: body.length, read };
}

/** @param field field of the last row before the batch */
function checkFields({ fieldOf, fields }: EmbeddingTable, field: number, fail: FailFile): void {
  const problem = wrongIds(fieldOf, fields.length);
  if (problem !== undefined) fail(`field of a row: ${problem}`);
  let before = field;
  for (const f of fieldOf) {
    if (f < before) fail("its rows are not grouped by field");
    before = f;
  }
}

async function openArrowSource(source: ArrowSource, fail: FailFile): Promise<ArrowBytes> {
  if (!ArrayBuffer.isView(source)) return await arrowBytesOf(source, fail);
  return {
    size: source.length,
    read(into, offset) {
      into.set(source.subarray(offset, offset + into.length));
      return Promise.resolve();
    },
  };
}

async function asArtifact<T>(name: string, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    // a failing disk is not a damaged table; other errors come from offsets beyond the end of the file
    if (error instanceof ArtifactError || /^E(?!RR_)/.test(errorCode(error)))
      throw asIoError(error, `reading '${name}' failed`);
    throw unreadable(name, String(error), error);
  }
}

function unreadable(name: string, why: string, cause?: unknown): ArtifactError {
  const text = `'${name}' cannot be read as an embedding table (${why}): restore it or train again`;
  return new ArtifactError(text, { cause });
}

/** Returns the names that the column `field` refers to. */
async function fieldsOf(file: ArrowFile, fail: FailFile): Promise<string[]> {
  const fields: string[] = [];
  for await (const { keys } of file.dictionaries()) {
    for (let f = 0; f < keys.size; f++)
      fields.push(Buffer.from(keys.bytes.subarray(keys.offsets[f], keys.offsets[f + 1])).toString("utf8"));
  }
  if (new Set(fields).size < fields.length) fail("two fields have the same name");
  return fields;
}

function shapeOf({ fields, metadata }: ArrowFile, fail: FailFile): Omit<Shape, "fields"> {
  const names = fields.map((field) => field.text(0)).join(",");
  const numRows = Number(metadata.get("rows") ?? Number.NaN);
  if (!/^field,key,count,(weight,)?vector$/.test(names) || !Number.isSafeInteger(numRows) || numRows < 0)
    fail(`expected the columns field,key,count[,weight],vector and a number of rows, got ${names}`);
  const vector = fields.at(-1)!;
  const [number] = vector.tables(5);
  // 1 is single precision
  if (
    vector.u8(2) !== ARROW_TYPES.fixedSizeList ||
    number?.u8(2) !== ARROW_TYPES.float ||
    number.table(3)?.i16(0) !== 1
  )
    fail("its vectors are not fixed-size lists of f32");
  const dim = vector.table(3)?.i32(0) ?? 0;
  if (dim < 0) fail(`vectors of ${dim} numbers`);
  return { numRows, dim, hasWeights: names.includes("weight") };
}
