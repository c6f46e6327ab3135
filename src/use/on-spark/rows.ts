// `embed predict` and `embed transform` with --engine-output: the executors of a Spark server read the rows of a log,
// predict or transform them, and Spark writes the results.
//
//   locally     the first rows are processed here: they show the columns of the output, and most errors
//   executors   a program per part processes the rows that Spark reads, as JSON lines (part.worker.ts)
//   locally     this process adds up the counts of the parts for the summary

import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { serialize } from "node:v8";
import { countWarnings } from "../predict/predict.js";
import type { PredictSummary } from "../predict/options.js";
import { openRun, type Run } from "../../table/run-directory.js";
import { batchesIn } from "../../log/spark/batches.js";
import { checkCanRun, freeOutput, parallelismOf, runOnExecutors } from "../../log/spark/executors.js";
import { jsonLine, quotedText, serverLog, type ServerLog } from "../../log/spark/json-rows.js";
import { checkQueryReading } from "../../log/named-log.js";
import { openEngineSession, ROW_SETTINGS } from "../../log/spark/open.js";
import { quotedColumn, queryOf } from "../../log/spark/plans.js";
import type { EngineSession } from "../../log/spark/session.js";
import { countText, NoRowsError, UsageError } from "../../base/errors.js";
import { arrow } from "../../base/io/apache-arrow.js";
import { parseJson } from "../../base/io/json-shape.js";
import { withTemporaryDirectory } from "../../base/io/leftovers.js";
import { version } from "../../base/io/package-version.js";
import { definedOf } from "../../options/table.js";
import { modelOf } from "../../trainers/index.js";
import { engineOf, readingOf } from "../../training/shared-options/reading.js";
import { trainedShape, type TrainedAs } from "../../training/reading/open-as-trained.js";
import { PREPROCESS_FILE } from "../../training/capabilities/run-space.js";
import type { Summary } from "../../training/session/summary.js";
import type { Watch } from "../../training/session/watch.js";
import { checkIsSpark, filesOfRun, PART_SCRIPT, JOB_FILE, type RowsJob } from "./part-job.js";
import { runOnRows, type ProcessedRows } from "./rows-here.js";

/** Numbers of rows that are tried here in turn, until the filters keep one, which shows the columns of the output. */
const FIRST_ROWS = [100, 10_000, 1_000_000];

type Command =
  | Pick<Extract<RowsJob, { command: "predict" }>, "command" | "given">
  | Pick<Extract<RowsJob, { command: "transform" }>, "command" | "given">;

/**
 * Processes the rows of a log on the executors of a server.
 *
 * @param path a run directory
 * @param on   the log, as serverLog expects it
 * @throws {UsageError} an option is not supported on executors, or the server does not run programs
 * @throws {DataError} a row cannot be used, or no row is left
 * @throws {EmbedError} the errors of the command, serverLog and runOnExecutors
 */
export async function rowsOnServer(
  path: string | undefined,
  on: readonly string[],
  { command, given }: Command,
  watch: Watch,
): Promise<Summary | PredictSummary> {
  const start = performance.now();
  checkOptions(path, { command, given } as Command);
  const { engine, engineSql, engineTimeout, engineOutput, engineParts, ...own } = given;
  const reading = engineOf({ engine, engineSql, engineTimeout });
  const log = await serverLog(on, reading);
  const job = { command, given: own, named: log.name } as RowsJob;
  const run = await openRun(path!);
  const { sides = [], roles } = await recipeOf(run);
  // transform does not warn of rows without a user or an item
  const warned = command === "predict" ? roles : undefined;
  if (sides.length > 0)
    throw new UsageError(
      `'${path}' was trained with --side ${sides.join(", ")}, which executors do not read: predict and transform its ` +
        "rows on this machine, without --engine-output",
    );
  const { lacks, command: trainedBy } = (await modelOf(run)) ?? {};
  if (command === "transform" && lacks?.parts !== undefined)
    throw new UsageError(
      `'${path}' is a run of ${trainedBy}, whose rows executors cannot transform: ${lacks.parts}; use this machine, ` +
        "without --engine-output",
    );
  const session = await openEngineSession(reading, ROW_SETTINGS, watch.signal);
  try {
    checkCanRun(session);
    const output = await freeOutput(session, engineOutput!);
    const line = await jsonLine(session, log);
    const columns = await columnsOfFirstRows(session, log, line, job, path!);
    const numParts = engineParts ?? (await parallelismOf(session));
    const text = `working on the executors of ${session.shown}, in up to ${numParts} parts`;
    watch.observe({ stage: "doing", text });
    const names = Object.keys(columns.first.unknown);
    const values = await runOnExecutors(session, {
      ...{ script: PART_SCRIPT, output, numCells: 1, rows: columns.rows },
      files: new Map([[JOB_FILE, serialize(job)], ...(await filesOfRun(run.root))]),
      input: { line, from: `(SELECT /*+ COALESCE(${numParts}) */ * FROM ${log.from})` },
      metrics: Array.from(
        { length: 2 + 2 * names.length },
        (_, i) => `sum(CAST(get_json_object(report, '$[${i}]') AS BIGINT))`,
      ),
    });
    const [rows = 0, filtered = 0, ...cells] = values.map((value) => Number(value ?? 0));
    if (rows === 0)
      throw new NoRowsError(
        `no row is left: check the run's --where and --drop, and remove '${output.path}', which has no rows`,
        { file: log.name },
      );
    const unknown = Object.fromEntries(
      names.map((name, i) => [name, { cells: cells[2 * i]!, unseen: cells[2 * i + 1]! }]),
    );
    const counts = { rows, leftOut: { filtered, bad: 0 }, unknown };
    // warnings that state counts are computed again from the counts of all programs; other warnings are the same in
    // every program, so those of the first rows stand for all
    const ofFirst = countWarnings(columns.first, warned);
    const others = columns.first.warnings.filter((text) => !ofFirst.includes(text));
    const warnings = [...countWarnings(counts, warned), ...others];
    for (const text of warnings) watch.observe({ stage: "warning", text });
    const summary = {
      ...{ command, version, out: engineOutput!, seconds: (performance.now() - start) / 1000 },
      rows,
      options: { run: path, ...definedOf({ on: log.name, ...own, format: "parquet" }) },
      ...{ metrics: {}, warnings },
    };
    return command === "transform"
      ? { ...summary, ...(names.length > 0 && { unknown }) }
      : { ...summary, ...counts, predictions: columns.predictions };
  } finally {
    await session.close();
  }
}

/** Returns an empty object if the run has no recipe. */
async function recipeOf(run: Run): Promise<Partial<TrainedAs>> {
  if (!Object.hasOwn(run.manifest.files, `model/${PREPROCESS_FILE}`)) return {};
  return parseJson(await run.readModelFile(PREPROCESS_FILE), trainedShape, PREPROCESS_FILE) as TrainedAs;
}

function checkOptions(path: string | undefined, { command, given }: Command): void {
  checkIsSpark(given.engine!);
  const refuse = (flag: string, why: string) =>
    new UsageError(`${flag} cannot be combined with --engine-output, because ${why}`);
  if (given.model !== undefined || path === undefined) throw refuse("--model", "executors read a run");
  if (given.hashKeys !== undefined) throw refuse("--hash-keys", "the secret would be sent to all executors");
  checkQueryReading(readingOf(given), "rows of a Spark server");
  const byParts = (advice: string) =>
    `each executor sees a part of the log: ${advice} by a query (--engine-sql FILE)`;
  if (given.onBadRow === "skip") throw refuse("--on-bad-row skip", byParts("leave malformed rows out"));
  if (given.dedupe === true) throw refuse("--dedupe", byParts("remove duplicates (SELECT DISTINCT)"));
  if (command === "predict" && !given.keep?.length)
    throw new UsageError("--engine-output needs --keep COLUMNS, because rows of a cluster have no number");
  if (command !== "transform") return;
  const other = (["foldIn", "nearest", "content"] as const).find((name) => given[name] !== undefined);
  if (other !== undefined)
    throw refuse(`--${other === "foldIn" ? "fold-in" : other}`, "it needs all rows in one process");
  if (given.key === undefined)
    throw new UsageError("--engine-output needs --key COLUMN, because rows of a cluster have no number");
}

interface OutputColumns {
  /** projections, in SQL, from lines of JSON to rows */
  rows: string[][];
  predictions: string[];
}

/** @throws {NoRowsError} filters drop all of these rows @throws {EmbedError} the errors of the command */
async function columnsOfFirstRows(
  session: EngineSession,
  log: ServerLog,
  line: string,
  job: RowsJob,
  run: string,
): Promise<OutputColumns & { first: ProcessedRows }> {
  return await withTemporaryDirectory("rows", async (folder) => {
    const path = join(folder, "first.jsonl");
    let numRows = 0;
    for (const limit of FIRST_ROWS) {
      numRows = await writeFirstRows(session, log, line, limit, path);
      if (numRows === 0) throw new NoRowsError("the log has no rows", { file: log.name });
      const made = { jsonl: "", csv: "" };
      const process = async (format: "jsonl" | "csv") =>
        await runOnRows(job, run, path, format, (chunk) => {
          if (!made[format].includes("\n")) made[format] += Buffer.from(chunk).toString("utf8");
          return Promise.resolve();
        });
      const first = await process("jsonl");
      if (first.rows > 0) {
        // in JSON lines, an array has no names for its elements; the header of CSV has them
        await process("csv");
        const header = made.csv.slice(0, made.csv.indexOf("\n")).split(",");
        const row = JSON.parse(made.jsonl.slice(0, made.jsonl.indexOf("\n"))) as Record<string, unknown>;
        return { ...outputColumns(row, header, job), first };
      }
      if (numRows < limit) break;
    }
    const text = `none of the first ${countText(numRows)} rows is left: check the run's --where and --drop`;
    throw new NoRowsError(`${text}, or select rows by a query (--engine-sql FILE)`, { file: log.name });
  });
}

async function writeFirstRows(
  session: EngineSession,
  log: ServerLog,
  line: string,
  limit: number,
  path: string,
): Promise<number> {
  const query = queryOf(`SELECT ${line} AS line FROM ${log.from} LIMIT ${limit}`);
  const fetched = await session.fetch(query, `'${log.name}'`);
  let numRows = 0;
  function* lines(): Generator<string> {
    for (const bytes of fetched)
      for (const { children, length } of batchesIn(bytes, ["text"], `'${log.name}'`)) {
        const texts = new arrow.Vector([children[0]!]);
        yield Array.from({ length }, (_, row) => `${String(texts.get(row))}\n`).join("");
        numRows += length;
      }
  }
  await writeFile(path, lines());
  return numRows;
}

/**
 * Returns SQL projections from an array of rows in JSON to columns; numbers in nested arrays and objects become
 * columns, too.
 *
 * @param row an example of the rows
 * @param header names of the columns in CSV, of which the last ones belong to the elements of an array
 */
function outputColumns(
  row: Record<string, unknown>,
  header: readonly string[],
  { command, given }: RowsJob,
): OutputColumns {
  const keys = new Set(command === "predict" ? given.keep : [given.key]);
  const number = command === "predict" || "features" in row ? "DOUBLE" : "leaves" in row ? "INT" : "FLOAT";
  const [types, columns]: [string[], string[]] = [[], []];
  for (const [name, value] of Object.entries(row)) {
    const column = `row.${quotedColumn(name)}`;
    if (typeof value !== "object" || value === null || keys.has(name)) {
      types.push(`${quotedColumn(name)}: ${keys.has(name) ? "STRING" : number}`);
      columns.push(`${column} AS ${quotedColumn(name)}`);
    } else if (Array.isArray(value)) {
      types.push(`${quotedColumn(name)}: ARRAY<${number}>`);
      const names = header.slice(-value.length).map(quotedColumn);
      columns.push(...names.map((each, i) => `${column}[${i}] AS ${each}`));
    } else {
      const names = Object.keys(value).map(quotedColumn);
      types.push(`${quotedColumn(name)}: STRUCT<${names.map((each) => `${each}: DOUBLE`).join(", ")}>`);
      columns.push(...names.map((each) => `${column}.${each} AS ${each}`));
    }
  }
  const schema = `array<struct<${types.join(", ")}>>`;
  return {
    rows: [[`explode(from_json(c0, ${quotedText(schema)}, map('mode', 'FAILFAST'))) AS row`], columns],
    predictions: Object.keys(row).filter((name) => !keys.has(name)),
  };
}
