// An encoded dataset whose rows stay on disk: where each batch's cells of each column lie in rows.arrow.
//
//   batch b of rows.arrow   metadata | validity of column 0 | cells of column 0 | validity of column 1 | ...
//
// What lies beneath a null is MISSING or NaN (rows-writer.ts), so that cells are read as they are.

import type { ReadHandle } from "../../io/read-artifact.js";
import { RowFile } from "../../io/row-file.js";
import type { Cells } from "../collect.js";
import type { ColumnPlan } from "../columns.js";
import type { ReadCells } from "../stored-columns.js";

/** Rows of a batch, and byte offsets of its columns' cells. */
interface Batch {
  first: number;
  numRows: number;
  cells: number[];
}

/**
 * What reads cells of each column.
 *
 * @param handle the file, for its batches' metadata
 * @param footer as a reader of the file found it
 */
export async function cellReaders(
  path: string,
  handle: ReadHandle,
  footer: { numRecordBatches: number; getRecordBatch(i: number): Block | null },
  plans: readonly ColumnPlan[],
): Promise<ReadCells[]> {
  const arrow = await import("apache-arrow");
  const batches: Batch[] = [];
  let first = 0;
  for (let b = 0; b < footer.numRecordBatches; b++) {
    const { offset, metaDataLength } = footer.getRecordBatch(b)!;
    const metadata = new Uint8Array(metaDataLength);
    await handle.read(metadata, 0, metaDataLength, offset);
    const message = new arrow.MessageReader(metadata).readMessage(arrow.MessageHeader.RecordBatch);
    // two buffers a column: its validity, and its cells
    const header = message!.header() as unknown as RecordBatchHeader;
    const cells = plans.map((_, i) => offset + metaDataLength + header.buffers[2 * i + 1]!.offset);
    batches.push({ first, numRows: header.length, cells });
    first += header.length;
  }
  const file = RowFile.open(path);
  return plans.map(
    ({ kind }, i) =>
      (from, to) =>
        readCells(file, batches, i, kind === "number", from, to),
  );
}

interface Block {
  offset: number;
  metaDataLength: number;
}

/** What a batch's metadata says, of which the library states no type. */
interface RecordBatchHeader {
  length: number;
  buffers: { offset: number }[];
}

function readCells(
  file: RowFile,
  batches: readonly Batch[],
  i: number,
  isNumber: boolean,
  from: number,
  to: number,
): Cells {
  const cells = isNumber ? new Float64Array(to - from) : new Uint32Array(to - from);
  for (const { first, numRows, cells: offsets } of batches) {
    const [start, end] = [Math.max(from, first), Math.min(to, first + numRows)];
    if (start >= end) continue;
    file.read(
      cells.subarray(start - from, end - from),
      offsets[i]! + (start - first) * cells.BYTES_PER_ELEMENT,
    );
  }
  return cells;
}
