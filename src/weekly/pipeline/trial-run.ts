// Runs a new pipeline file on a sample of its log before `embed init` writes it, so that no file is written that cannot
// run.
//
//   log ──► the rows of sampled users, as CSV with the cells of the log ──► encode, train, export in a temporary folder
//
// Of the gates, those of metrics remain, which need a value: the other bounds are those of the whole log.

import { join } from "node:path";
import { parse } from "yaml";
import {
  ConfigError,
  DataError,
  DivergedError,
  type EmbedError,
  GateError,
  UsageError,
} from "../../base/errors.js";
import { writeFileAtomic } from "../../base/io/atomic.js";
import { withTemporaryDirectory } from "../../base/io/leftovers.js";
import { MISSING } from "../../log/keys.js";
import type { Log, ReadOptions } from "../../log/log.js";
import { hashText, uniformAt } from "../../base/numeric/hash.js";
import { openLogWith } from "../../training/reading/read-dataset.js";
import type { Watch } from "../../training/session/watch.js";
import { runPipeline } from "./run.js";

/** Number of rows of a sample, and maximum number of rows that are read for it. */
const SAMPLE_ROWS = 10_000;
const READ_ROWS = 500_000;
/** Minimum number of sampled rows; if users have so many rows that fewer are drawn, the first rows are the sample. */
const LEAST_ROWS = 500;
interface Sample {
  /** cells of each row, as in the log */
  rows: string[][];
  /** place in the log of each row */
  places: { file: string; line: number }[];
  log: Pick<Log, "columns" | "multi" | "multiWeights">;
}

/** A log that a pipeline file is written for. */
interface TriedLog {
  files: readonly string[];
  /** how the files are read; the sample has the texts of missing cells, and all duplicates */
  reading: ReadOptions;
  rows: number;
  user: string | undefined;
}

/**
 * Runs the file that is made for a sample of the log.
 *
 * @param textFor returns the file for the sample: a log that is CSV with a header and has these multi-valued columns
 * @throws {EmbedError} the file does not run
 */
export async function tryPipeline(
  tried: TriedLog,
  textFor: (folder: string, log: string, from: Sample["log"]) => Promise<string>,
  watch: Watch,
): Promise<void> {
  const sample = await sampleOf(tried, watch);
  watch.observe({
    stage: "doing",
    text: `trying the file on ${sample.rows.length.toLocaleString("en")} rows`,
  });
  await withTemporaryDirectory("init", async (folder) => {
    const [log, file] = [join(folder, "sample.csv"), join(folder, "pipeline.yaml")];
    const write = async (path: string, text: string) =>
      await writeFileAtomic(path, [Buffer.from(text)], false, { signal: watch.signal });
    await write(log, [sample.log.columns, ...sample.rows].map(csvLine).join(""));
    await write(file, shortened(await textFor(folder, log, sample.log)));
    try {
      await runPipeline(file, {}, { observe: () => undefined, signal: watch.signal });
    } catch (error) {
      throw asRefusal(error, sample, tried, log);
    }
  });
}

/** Returns a pipeline whose only gates are those of metrics, and without the search for options; JSON is YAML. */
function shortened(text: string): string {
  const { gates, train, ...others } = parse(text) as {
    gates: { after: { metrics?: object } };
    train: Record<string, object>;
  };
  const { metrics } = gates.after;
  const trainings = Object.entries(train).map(([name, training]) => [
    name,
    { ...training, search: undefined },
  ]);
  return JSON.stringify({
    ...others,
    ...(metrics && { gates: { after: { metrics } } }),
    train: Object.fromEntries(trainings) as object,
  });
}

function asRefusal(error: unknown, { rows, places }: Sample, { files }: TriedLog, log: string): unknown {
  const sampled = `the first run of the file would fail, as it does on ${rows.length.toLocaleString("en")} rows`;
  const named = (text: string) =>
    `${text.replaceAll(log, files.join(", "))} (${sampled}; nothing was written)`;
  if (error instanceof DataError) {
    const { line, column } = error.place ?? {};
    // the first line is the header
    const place = line === undefined ? undefined : places[line - 2];
    return new DataError(named(error.detail), {
      file: files.join(", "),
      ...place,
      ...(column !== undefined && { column }),
    });
  }
  const isOfFile = [UsageError, ConfigError, DivergedError, GateError].some((kind) => error instanceof kind);
  return isOfFile ? new UsageError(named((error as EmbedError).message), { cause: error }) : error;
}

function csvLine(cells: readonly string[]): string {
  return `${cells.map((cell) => `"${cell.replaceAll('"', '""')}"`).join(",")}\n`;
}

/** Returns the rows of some users, as many as fit; the first rows if the log has no user column, or few users. */
async function sampleOf(tried: TriedLog, watch: Watch): Promise<Sample> {
  const share = SAMPLE_ROWS / Math.min(tried.rows, READ_ROWS);
  if (share >= 1 || tried.user === undefined) return await rowsWhere(tried, () => true, watch);
  const byUser = await rowsWhere(tried, (user) => uniformAt(hashText(user).lo, 0) < share, watch);
  return byUser.rows.length >= LEAST_ROWS ? byUser : await rowsWhere(tried, () => true, watch);
}

/** Thrown to stop reading. */
const ENOUGH = new Error("enough rows");

async function rowsWhere(
  { files, reading, user }: TriedLog,
  takes: (user: string) => boolean,
  watch: Watch,
): Promise<Sample> {
  const log = await openLogWith(files, { ...reading, nulls: [] }, watch);
  const [rows, places]: [Sample["rows"], Sample["places"]] = [[], []];
  const at = user === undefined ? -1 : log.columns.indexOf(user);
  const taken = new Map<number, boolean>();
  try {
    await log.read(
      log.columns.map((name) => ({ name, as: "key" as const, keepsCase: true as const })),
      (batch, keyOf) => {
        watch.signal.throwIfAborted();
        const codes = batch.columns as Uint32Array[];
        for (let row = 0; row < batch.numRows; row++) {
          const code = codes[at]?.[row] ?? MISSING;
          if (!taken.has(code)) taken.set(code, takes(code === MISSING ? "" : keyOf(at, code)));
          if (taken.get(code) === false) continue;
          rows.push(codes.map((column, c) => (column[row] === MISSING ? "" : keyOf(c, column[row]!))));
          places.push(batch.placeOf(row));
          if (rows.length === SAMPLE_ROWS) throw ENOUGH;
        }
        if (batch.firstRow + batch.numRows >= READ_ROWS) throw ENOUGH;
      },
    );
  } catch (error) {
    if (error !== ENOUGH) throw error;
  } finally {
    await log.close();
  }
  return { rows, places, log };
}
