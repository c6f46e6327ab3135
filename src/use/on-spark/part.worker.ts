// The program that an executor runs for `--engine-output`: it does one part of the work of recall, predict or
// transform.
//
//   argument          the job directory (part-job.ts)
//   standard input    recall: the number of the part; else rows of the log as JSON lines
//   standard output   lines of tab-separated cells, and a report as the last line
//     recall               one list per line: the cells that its rows share, then one cell with its rows, which are
//                          separated by BETWEEN_ROWS, and their cells by BETWEEN_CELLS
//     predict, transform   one cell per line: a JSON array of objects, one per row
//
// Scores in lists are printed as the integers of their bits, because Spark reads integers faster than decimals
// (log/spark/executors.ts).
//
// If the program fails, Spark includes the end of standard error in its message and runs the part again.

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { deserialize, serialize } from "node:v8";
import { deflateRawSync } from "node:zlib";
import { requestedLists } from "../recall/requested-lists.js";
import { preparedLists } from "../recall/recall.js";
import { withOpenRows } from "../tables.js";
import { BETWEEN_CELLS, BETWEEN_ROWS, escapedCell } from "../../log/spark/escaped-cells.js";
import { EmbedError } from "../../base/errors.js";
import { listRows, type Lists } from "../../export/lists.js";
import { rowLines, type RowBatch, type RowCells } from "../../export/row-table.js";
import { encodeKeys, keyAt, type Keys } from "../../log/keys.js";
import { JOB_FILE, RUN_FOLDER, type ListsJob, type PartJob, type RowsJob } from "./part-job.js";
import { runOnRows } from "./rows-here.js";

async function main(folder: string): Promise<void> {
  const job = deserialize(await readFile(join(folder, JOB_FILE))) as PartJob;
  await (job.command === "recall" ? makeLists(folder, job) : processRows(folder, job));
}

async function makeLists(folder: string, { given, kept, numParts }: ListsJob): Promise<void> {
  const options = requestedLists(given);
  const watch = { signal: new AbortController().signal, observe: () => undefined };
  const share = { part: await taskNumber(), numParts };
  await withOpenRows(join(folder, RUN_FOLDER), options.table, async (opened) => {
    const request = { opened, options, watch, warn: () => undefined, kept, share };
    const { lists, counted } = await preparedLists(request);
    const numLines = await printLists(lists);
    const state = deflateRawSync(serialize(counted.state())).toString("base64");
    const numCells = lists.columns.category === undefined ? 2 : 3;
    await printReport({ report: `${share.part}:${state}`, numLines, numCells });
  });
}

async function processRows(folder: string, job: RowsJob): Promise<void> {
  let numLines = 0;
  const { rows, leftOut, unknown } = await runOnRows(
    job,
    join(folder, RUN_FOLDER),
    "-",
    "jsonl",
    async (chunk) => {
      numLines += await printJsonLines(chunk);
    },
  );
  // the report lists the counts by position, in the same order on every executor, because the name of a column may be
  // invalid in the JSON path by which Spark reads the report
  const cells = Object.values(unknown).map((counts) => [counts.cells, counts.unseen]);
  const report = JSON.stringify([rows, leftOut.filtered, ...cells.flat()]);
  await printReport({ report, numLines, numCells: 1 });
}

async function taskNumber(): Promise<number> {
  let text = "";
  for await (const chunk of process.stdin) text += String(chunk);
  return Number(text.trim());
}

async function printLists(lists: Lists): Promise<number> {
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
    // the text before the first row of each list begins with a newline, which the first line of the output does not
    // need
    await print(isFirst ? chunk.subarray(1) : chunk);
    isFirst &&= chunk.length === 0;
  }
  if (numLists > 0) await print(Buffer.from("\n"));
  return numLists;
}

/** Rows as three cells: what precedes it (a list's shared cells, or a separator), the item, and the score's bits. */
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

/** Escapes a key if it contains a character that separates cells or rows, which most keys do not. */
function escapedKey(key: Uint8Array): Uint8Array {
  const isPlain = !key.some((byte) => byte === 92 || (byte <= 13 && SPECIAL.has(byte)));
  return isPlain ? key : Buffer.from(escapedCell(Buffer.from(key).toString("utf8")));
}

const SPECIAL = new Set([1, 2, 9, 10, 13]);

/** Prints JSON lines as one line, an array. @returns the number of printed lines */
async function printJsonLines(lines: Uint8Array): Promise<number> {
  if (lines.length === 0) return 0;
  // line ends within texts are escaped, so each line end separates two rows
  const joined = Buffer.from(lines).subarray(0, -1);
  for (let at = joined.indexOf(10); at >= 0; at = joined.indexOf(10, at)) joined[at] = 44;
  await print(Buffer.concat([Buffer.from("["), joined, Buffer.from("]\n")]));
  return 1;
}

interface Report {
  report: string;
  /** number of lines before this one, and number of cells in each of them */
  numLines: number;
  numCells: number;
}

async function printReport({ report, numLines, numCells }: Report): Promise<void> {
  await print(Buffer.from(`${"\t".repeat(numCells)}${report}\t${numLines}\n`));
}

async function print(chunk: Uint8Array): Promise<void> {
  await new Promise<void>((resolve, reject) =>
    process.stdout.write(chunk, (error) => (error ? reject(error) : resolve())),
  );
}

void main(process.argv[2]!).catch((error: unknown) => {
  // the exit code in the text tells log/spark/executors.ts whether the user can act on the error
  const text =
    error instanceof EmbedError
      ? `embed ${error.exitCode}: ${error.message}`
      : `embed: ${String((error as Error).stack)}`;
  process.stderr.write(`${text}\n`, () => process.exit(1));
});
