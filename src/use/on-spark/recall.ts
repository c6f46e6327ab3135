// `embed recall --engine-output`: the executors of a Spark server make the lists of all users, and Spark writes them.
//
//   locally     this process checks the options and reads the logs and files that the lists need
//   executors   a task per part of the users makes their lists, from the run and the data that was read
//               (part.worker.ts)
//   locally     this process adds up the counts of the tasks for the summary

import { deserialize, serialize } from "node:v8";
import { inflateRawSync } from "node:zlib";
import { noOwnersError, preparedLists, statedOptions } from "../recall/recall.js";
import { listColumns } from "../recall/list-files.js";
import type { RecallOptions } from "../recall/options.js";
import { requestedLists, type RequestedLists } from "../recall/requested-lists.js";
import type { CountedLists, RecallSummary } from "../recall/summary.js";
import { withOpenRows } from "../tables.js";
import {
  checkCanRun,
  freeOutput,
  listProjections,
  parallelismOf,
  partNumbers,
  runOnExecutors,
} from "../../log/spark/executors.js";
import { CASE_SENSITIVE, openEngineSession } from "../../log/spark/open.js";
import { IoError, UsageError } from "../../base/errors.js";
import { version } from "../../base/io/package-version.js";
import { collectWarnings, type Watch } from "../../training/session/watch.js";
import { JOB_FILE, type ListsJob, checkIsSpark, filesOfRun, PART_SCRIPT } from "./part-job.js";

/**
 * Ranks items for all users, or similar items for all items, in lists that the executors of a server make.
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
      const job: ListsJob = { command: "recall", given: { ...given, threads: 1 }, kept, numParts };
      const files = new Map([[JOB_FILE, serialize(job)], ...(await filesOfRun(opened.run.root))]);
      const text = `making lists on the executors of ${session.shown}, in ${numParts} parts`;
      watch.observe({ stage: "doing", text });
      const { owner, category, item } = listColumns(options.for === "item", options.listsPer);
      const shared = [owner, ...(category === undefined ? [] : [category])];
      const reports = await runOnExecutors(session, {
        ...{ script: PART_SCRIPT, files, input: partNumbers(numParts), output },
        ...{ numCells: shared.length + 1, rows: listProjections(shared, ["rank", item, "score"]) },
        metrics: Array.from(
          { length: numParts },
          (_, n) => `max(IF(startswith(report, '${n}:'), report, NULL))`,
        ),
      });
      for (const [part, report] of reports.entries()) {
        if (typeof report !== "string")
          throw new IoError(
            `--engine: ${session.shown} returned no report of part ${part}: '${output.path}' is not complete`,
          );
        const state = Buffer.from(report.slice(report.indexOf(":") + 1), "base64");
        counted.add(deserialize(inflateRawSync(state)) as CountedLists);
      }
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

function checkedOutput({ engine, engineOutput, baseline, foldIn }: RequestedLists): string {
  checkIsSpark(engine!);
  if (baseline !== undefined)
    throw new UsageError(
      `--score ${baseline} cannot be combined with --engine-output, because a baseline learns from all events in one ` +
        "process: write the lists on this machine with -o",
    );
  if (foldIn)
    throw new UsageError("--fold-in cannot be combined with --engine-output: write these lists here with -o");
  return engineOutput!;
}
