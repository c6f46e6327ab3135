// Reads any range of rows of embeddings.arrow, and only the requested columns (arrow.ts has the layout).
//
//   buffer   0  1        2  3        4     5  6      7  8       9  10       11      12
//   holds    -  field    -  key's    key   -  count  -  weight  -  -        vector
//                           offsets                  (with weights only)
//
// where `-` is a bitmap of nulls, which is absent, because no column is nullable.

import { ArtifactError } from "../errors.js";
import {
  ARROW_TYPES,
  ArrowFile,
  arrowBytesIn,
  arrowBytesOf,
  type ArrowBlock,
  type FailFile,
} from "../io/arrow-file.js";
import { asIoError, errorCode } from "../io/write.js";
import { wrongIds } from "../io/offsets.js";
import type { ReadHandle } from "../io/read-artifact.js";
import { loadRows, ROWS_A_BATCH, type RowPass, type TableRows } from "./rows.js";
import type { EmbeddingTable, RowRange } from "./table.js";

/** An Arrow IPC file: its bytes in memory, or an open file from which ranges of rows are read. */
export type ArrowSource = Uint8Array | ReadHandle;

/**
 * Reads the table of an IPC file; its arrays are copies.
 *
 * @param name name of the file, for messages
 * @throws {ArtifactError} the file is damaged, or does not have the layout of an embedding table
 */
export async function readArrow(source: ArrowSource, name: string): Promise<EmbeddingTable> {
  return await loadRows(await arrowRows(source, name));
}

/**
 * Returns the rows of an IPC file, read on demand; the file must stay open while rows are read.
 *
 * @param name name of the file, for messages
 * @throws {ArtifactError} the file is damaged, or does not have the layout of an embedding table
 */
export async function arrowRows(source: ArrowSource, name: string): Promise<TableRows> {
  const fail = (why: string): never => {
    throw unreadable(name, why);
  };
  return await asArtifact(name, async () => {
    const bytes = ArrayBuffer.isView(source) ? arrowBytesIn(source, fail) : await arrowBytesOf(source, fail);
    const file = await ArrowFile.open(bytes, fail);
    const shape = { ...shapeOf(file, fail), fields: await fieldsOf(file, fail) };
    // memory for all declared rows is allocated at once, so a header that declares more rows than the file can hold is
    // rejected
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

/** Returns the number of rows of a batch, and a function that reads the columns of a range of its rows. */
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

/**
 * Checks that the rows of a batch are grouped by field.
 * @param field index of the field of the last row before the batch
 */
function checkFields({ fieldOf, fields }: EmbeddingTable, field: number, fail: FailFile): void {
  const problem = wrongIds(fieldOf, fields.length);
  if (problem !== undefined) fail(`field of a row: ${problem}`);
  let before = field;
  for (const f of fieldOf) {
    if (f < before) fail("its rows are not grouped by field");
    before = f;
  }
}

async function asArtifact<T>(name: string, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    // an I/O error is thrown as it is; any other error comes from an offset beyond the end of the file, so the table is
    // damaged
    if (error instanceof ArtifactError || /^E(?!RR_)/.test(errorCode(error)))
      throw asIoError(error, `reading '${name}' failed`);
    throw unreadable(name, String(error), error);
  }
}

function unreadable(name: string, why: string, cause?: unknown): ArtifactError {
  const text = `'${name}' cannot be read as an embedding table (${why}): restore it or train again`;
  return new ArtifactError(text, { cause });
}

/** Returns the names in the dictionary of the column `field`. */
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
  // in Arrow's schema, the precision 1 denotes f32
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
