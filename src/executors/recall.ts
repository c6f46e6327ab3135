// `embed recall --engine-output`: the executors of a Spark server make the lists of all users, and Spark writes them.
//
//   locally     this process checks the options and reads the logs and files that the lists need
//   executors   a task per part of the users makes their lists, from the run and the data that was read
//               (recall-part.worker.ts)
//   locally     this process adds up the counts of the tasks for the summary

import { basename } from "node:path";
import { deserialize, serialize } from "node:v8";
import { inflateRawSync } from "node:zlib";
import { noOwnersError, preparedLists, statedOptions } from "../api/recall/recall.js";
import { listColumns } from "../api/recall/list-files.js";
import type { RecallOptions } from "../api/recall/options.js";
import { requestedLists, type RequestedLists } from "../api/recall/requested-lists.js";
import type { CountedLists, RecallSummary } from "../api/recall/summary.js";
import { withOpenRows } from "../api/tables.js";
import type { ArtifactFile } from "../engine/artifacts.js";
import {
  checkCanRun,
  freeOutput,
  parallelismOf,
  runOnExecutors,
  type ExecutorJob,
  type OutputColumn,
} from "../engine/executors.js";
import { CASE_SENSITIVE, openEngineSession } from "../engine/open.js";
import { UsageError } from "../errors.js";
import { version } from "../io/package-version.js";
import { filesBelow, statOf } from "../io/tree.js";
import { collectWarnings, type Watch } from "../training/session/watch.js";
import { LISTS_FILE, RUN_FOLDER, type ListsJob } from "./lists-job.js";

/**
 * Makes the lists of all users on the executors of a server.
 *
 * @throws {UsageError} an option is not supported on executors, or the server does not run programs
 * @throws {EmbedError} the errors of recall and of runOnExecutors
 */
export async function recallOnExecutors(
  path: string,
  given: RecallOptions,
  watching: Watch,
): Promise<RecallSummary> {
  const start = performance.now();
  const options = requestedLists(given);
  const out = checkedOutput(options);
  const { watch, warnings, warn } = collectWarnings(watching);
  const session = await openEngineSession(
    { address: options.engine!, timeout: options.engineTimeout },
    CASE_SENSITIVE,
    watch.signal,
  );
  try {
    checkCanRun(session);
    const output = await freeOutput(session, out);
    return await withOpenRows(path, options.table, async (opened) => {
      const kept = {};
      const { counted, facts } = await preparedLists({ opened, options, watch, warn, kept });
      const numParts = given.engineParts ?? (await parallelismOf(session));
      const job: ListsJob = { given: { ...given, threads: 1 }, kept, numParts };
      const files: ExecutorJob["files"] = new Map<string, ArtifactFile["content"]>([
        [LISTS_FILE, serialize(job)],
        ...(await filesOfRun(opened.run.root)),
      ]);
      const text = `making lists on the executors of ${session.shown}, in ${numParts} parts`;
      watch.observe({ stage: "doing", text });
      const columns = outputColumns(options);
      // name of the worker's file in the built package, also if this module runs from the folder of compiled files
      const { pathname } = new URL("./recall-part.worker.js", import.meta.url);
      const script = `${basename(pathname).replace(/\.c?js$/, "")}.cjs`;
      const reports = await runOnExecutors(session, {
        ...{ script, files, numParts, columns, output },
      });
      for (const report of reports)
        counted.add(deserialize(inflateRawSync(Buffer.from(report, "base64"))) as CountedLists);
      if (counted.numAsked() === 0) throw noOwnersError(options, false);
      const { notes, ...measured } = facts();
      for (const note of notes) warn(note);
      return {
        ...{ command: "recall", version, out, seconds: (performance.now() - start) / 1000 },
        ...measured,
        options: { run: path, ...statedOptions(given, { ...options, format: "parquet" }) },
        warnings,
      };
    });
  } finally {
    await session.close();
  }
}

/** Returns the path of the output. @throws {UsageError} an option is not supported on executors */
function checkedOutput({ engine, engineOutput, baseline, foldIn }: RequestedLists): string {
  if (!engine!.startsWith("sc://"))
    throw new UsageError(
      `--engine-output needs a Spark Connect server (sc://HOST:PORT), got --engine ${engine!}`,
    );
  if (baseline !== undefined)
    throw new UsageError(
      `--score ${baseline} cannot be combined with --engine-output, because a baseline learns from all events in one ` +
        "process: write the lists on this machine with -o",
    );
  if (foldIn)
    throw new UsageError("--fold-in cannot be combined with --engine-output: write these lists here with -o");
  return engineOutput!;
}

/** Returns the name and the Spark type of each column of the lists. */
function outputColumns({ for: whom, listsPer }: RequestedLists): OutputColumn[] {
  const { owner, category, item } = listColumns(whom === "item", listsPer);
  return [
    ...[owner, ...(category === undefined ? [] : [category])].map((name) => ({
      name,
      type: "STRING" as const,
    })),
    { name: "rank", type: "INT" },
    { name: item, type: "STRING" },
    { name: "score", type: "FLOAT" },
  ];
}

/** Returns the paths of the run's files by their paths in the directory of a job. */
async function filesOfRun(root: string): Promise<[string, { path: string; size: number }][]> {
  const paths = await filesBelow(root);
  return await Promise.all(
    paths.map(async (path): Promise<[string, { path: string; size: number }]> => {
      const whole = `${root}/${path}`;
      return [`${RUN_FOLDER}/${path}`, { path: whole, size: (await statOf(whole))!.bytes }];
    }),
  );
}
