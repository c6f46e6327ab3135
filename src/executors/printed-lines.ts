// Standard input and output of a program that runs on an executor: the program reads the number of its part or rows,
// and prints lines of tab-separated cells.
//
//   list   the cells that its rows share, then its rows: cells separated by BETWEEN_CELLS, rows by BETWEEN_ROWS
//   rows   one cell: a JSON array of objects
//
// Scores of lists are printed as their bits, because Spark reads integers faster than decimals (engine/executors.ts).

import { BETWEEN_CELLS, BETWEEN_ROWS, escapedCell } from "../engine/escaped-cells.js";
import { listRows, type Lists } from "../export/lists.js";
import { rowLines, type RowBatch, type RowCells } from "../export/row-table.js";
import { encodeKeys, keyAt, type Keys } from "../log/keys.js";

/** Reads the number of the part from the only line of standard input. */
export async function taskNumber(): Promise<number> {
  let text = "";
  for await (const chunk of process.stdin) text += String(chunk);
  return Number(text.trim());
}

/** Prints lists, one per line. @returns the number of lines */
export async function printLists(lists: Lists): Promise<number> {
  let numLists = 0;
  const batches = async function* (): AsyncGenerator<RowBatch> {
    for await (const batch of listRows(lists)) {
      const packed = packedLists(batch);
      numLists += packed.numLists;
      yield packed;
    }
  };
  const text = (key: Uint8Array, column: number): Uint8Array => (column === 0 ? key : escapedKey(key));
  let isFirst = true;
  for await (const chunk of rowLines(batches(), { before: ["", "", BETWEEN_CELLS], end: "", text })) {
    // each list begins with a line end
    await print(isFirst ? chunk.subarray(1) : chunk);
    isFirst &&= chunk.length === 0;
  }
  if (numLists > 0) await print(Buffer.from("\n"));
  return numLists;
}

/** Returns for each row the text before it, its item, and the bits of its score. */
function packedLists({ numRows, cells }: RowBatch): RowBatch & { numLists: number } {
  const shared = cells.slice(0, -3) as { keys: Keys; places: Uint32Array }[];
  const [ranks, items, scores] = cells.slice(-3) as [Uint32Array, RowCells, Float32Array];
  const heads: string[] = [BETWEEN_ROWS];
  const places = new Uint32Array(numRows);
  for (let row = 0; row < numRows; row++) {
    if (ranks[row] !== 1) continue;
    places[row] = heads.length;
    heads.push(
      `\n${shared.map(({ keys, places: own }) => `${escapedCell(keyAt(keys, own[row]!))}\t`).join("")}`,
    );
  }
  const bits = new Uint32Array(scores.buffer, scores.byteOffset, numRows);
  return { numLists: heads.length - 1, numRows, cells: [{ keys: encodeKeys(heads), places }, items, bits] };
}

/** Escapes a key only if it contains a character with a meaning, as most keys do not. */
function escapedKey(key: Uint8Array): Uint8Array {
  const isPlain = !key.some((byte) => byte === 92 || (byte <= 13 && SPECIAL.has(byte)));
  return isPlain ? key : Buffer.from(escapedCell(Buffer.from(key).toString("utf8")));
}

const SPECIAL = new Set([1, 2, 9, 10, 13]);

/** Prints JSON lines as one line, an array. @returns the number of printed lines */
export async function printJsonLines(lines: Uint8Array): Promise<number> {
  if (lines.length === 0) return 0;
  // line ends within texts are escaped, so each line end separates two rows
  const joined = Buffer.from(lines).subarray(0, -1);
  for (let at = joined.indexOf(10); at >= 0; at = joined.indexOf(10, at)) joined[at] = 44;
  await print(Buffer.concat([Buffer.from("["), joined, Buffer.from("]\n")]));
  return 1;
}

/** The line that a program prints after its rows. */
export interface Report {
  report: string;
  /** number of other lines, and number of cells of each */
  numLines: number;
  numCells: number;
}

export async function printReport({ report, numLines, numCells }: Report): Promise<void> {
  await print(Buffer.from(`${"\t".repeat(numCells)}${report}\t${numLines}\n`));
}

async function print(chunk: Uint8Array): Promise<void> {
  await new Promise<void>((resolve, reject) =>
    process.stdout.write(chunk, (error) => (error ? reject(error) : resolve())),
  );
}
