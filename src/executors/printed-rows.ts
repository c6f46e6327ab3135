// Standard input and output of a program that runs as a task on an executor: the program reads the number of its task,
// and prints rows as lines of tab-separated cells.

import { escapedCell } from "../engine/escaped-cells.js";
import { rowLines, type RowBatch } from "../export/row-table.js";

/** Reads the number of the task from the only line of standard input. */
export async function taskNumber(): Promise<number> {
  let text = "";
  for await (const chunk of process.stdin) text += String(chunk);
  return Number(text.trim());
}

/** Prints rows, one per line, with tabs between cells. @returns the number of printed rows */
export async function printRows(batches: AsyncIterable<RowBatch>, numColumns: number): Promise<number> {
  let numRows = 0;
  const counted = async function* (): AsyncGenerator<RowBatch> {
    for await (const batch of batches) {
      numRows += batch.numRows;
      yield batch;
    }
  };
  const text = (key: Uint8Array): Uint8Array => {
    // escapes only keys that contain a backslash, tab, line feed or carriage return, as most keys do not
    const isPlain = !key.some((byte) => byte === 92 || byte === 9 || byte === 10 || byte === 13);
    return isPlain ? key : Buffer.from(escapedCell(Buffer.from(key).toString("utf8")));
  };
  const before = Array.from({ length: numColumns }, (_, c) => (c > 0 ? "\t" : ""));
  for await (const chunk of rowLines(counted(), { before, end: "\n", text })) await print(chunk);
  return numRows;
}

/** The report that a program prints as a line after its rows. */
export interface Report {
  part: number;
  report: string;
  numRows: number;
  /** number of columns of each row */
  numColumns: number;
}

export async function printReport({ part, report, numRows, numColumns }: Report): Promise<void> {
  await print(Buffer.from(`${"\t".repeat(numColumns)}${part}\t${report}\t${numRows}\n`));
}

async function print(chunk: Uint8Array): Promise<void> {
  await new Promise<void>((resolve, reject) =>
    process.stdout.write(chunk, (error) => (error ? reject(error) : resolve())),
  );
}
