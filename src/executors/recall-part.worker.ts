// The program that an executor runs for `embed recall --engine-output`: it makes the recommendation lists of a part of
// the users, and prints them as rows.
//
//   argument          the directory of the job
//   standard input    the number of the task
//   standard output   rows, and after them a report
//
// If the program fails, Spark includes the end of standard error in its message and runs the task again.

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { deserialize, serialize } from "node:v8";
import { deflateRawSync } from "node:zlib";
import { requestedLists } from "../api/recall/requested-lists.js";
import { preparedLists } from "../api/recall/recall.js";
import { withOpenRows } from "../api/tables.js";
import { EmbedError } from "../errors.js";
import { listRows } from "../export/lists.js";
import { printReport, printRows, taskNumber } from "./printed-rows.js";
import { LISTS_FILE, RUN_FOLDER, type ListsJob } from "./lists-job.js";

async function main(folder: string): Promise<void> {
  const { given, kept, numParts } = deserialize(await readFile(join(folder, LISTS_FILE))) as ListsJob;
  const options = requestedLists(given);
  const watch = { signal: new AbortController().signal, observe: () => undefined };
  const share = { part: await taskNumber(), numParts };
  await withOpenRows(join(folder, RUN_FOLDER), options.table, async (opened) => {
    const { lists, counted } = await preparedLists({
      opened,
      options,
      watch,
      warn: () => undefined,
      kept,
      share,
    });
    const numColumns = lists.columns.category === undefined ? 4 : 5;
    const numRows = await printRows(listRows(lists), numColumns);
    const report = deflateRawSync(serialize(counted.state())).toString("base64");
    await printReport({ part: share.part, report, numRows, numColumns });
  });
}

void main(process.argv[2]!).catch((error: unknown) => {
  const text = error instanceof EmbedError ? error.message : String((error as Error).stack);
  process.stderr.write(`embed: ${text}\n`, () => process.exit(1));
});
