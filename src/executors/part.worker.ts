// The program that an executor runs for `--engine-output`: it does one part of the work of recall, predict or
// transform.
//
//   argument          the job directory (part-job.ts)
//   standard input    recall: the number of the part; else rows of the log as JSON lines
//   standard output   lines with lists or rows, and a report as the last line
//
// If the program fails, Spark includes the end of standard error in its message and runs the part again.

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { deserialize, serialize } from "node:v8";
import { deflateRawSync } from "node:zlib";
import { requestedLists } from "../api/recall/requested-lists.js";
import { preparedLists } from "../api/recall/recall.js";
import { withOpenRows } from "../api/tables.js";
import { EmbedError } from "../errors.js";
import { printJsonLines, printLists, printReport, taskNumber } from "./printed-lines.js";
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

void main(process.argv[2]!).catch((error: unknown) => {
  // the exit code in the text tells engine/executors.ts whether the user can act on the error
  const text =
    error instanceof EmbedError
      ? `embed ${error.exitCode}: ${error.message}`
      : `embed: ${String((error as Error).stack)}`;
  process.stderr.write(`${text}\n`, () => process.exit(1));
});
