// `embed predict`: scores the rows of a log with a run's model, in the log's order.
//
//   log ──► blocks of rows (blocks.ts) ──► scores ──► predictions beside the kept cells ──► a file

import { mapTo } from "../../base/numeric/indices.js";
import type { FurtherLog } from "../../training/reading/open-as-trained.js";
import { MISSING } from "../../log/keys.js";
import type { Dataset } from "../../dataset/dataset.js";
import type { UnseenCounts } from "../../dataset/rows.js";
import { openRun, type Run } from "../../table/run-directory.js";
import { NoRowsError, UsageError } from "../../base/errors.js";
import { formatOfFile } from "../../export/row-formats.js";
import {
  ofOneSize,
  rowChunks,
  type RowBatch,
  type RowCells,
  type RowColumn,
} from "../../export/row-table.js";
import { checkOutput, writeFileOr } from "../../base/io/atomic.js";
import { version } from "../../base/io/package-version.js";
import { capable, modelOf, ofForeign } from "../../trainers/index.js";
import { changedSides } from "../../training/warnings/leaks.js";
import { linked, predictionNames, type RowPredictor } from "../../training/capabilities/row-predictor.js";
import { unseenWarnings } from "../../training/reading/split-parts.js";
import { SkippedRows, badRowsOf } from "../../training/reading/bad-row-report.js";
import { readingOf } from "../../training/shared-options/reading.js";
import { collectWarnings, type Watch } from "../../training/session/watch.js";
import { readBlocks, type ReadBlock } from "./blocks.js";
import type { PredictOptions, PredictSummary } from "./options.js";

/** Number of rows that are scored and written at a time, and size of a row group in columnar formats. */
const BATCH_ROWS = 65_536;

/** Largest row number, as row numbers are u32. */
const MAX_ROW = 2 ** 32 - 1;

/**
 * Predicts the rows of a log. Writes a file, completely or not at all, or passes chunks to `write`.
 *
 * @param path a run directory; undefined for `given.model`
 * @param on   files and patterns of the log
 * @param isPart true for a part of a log, of which every row may be left out
 * @throws {UsageError} the run's model does not score rows; the message names the run's other uses
 * @throws {DataError} the log cannot be read like the run's training log, or no row is left
 */
export async function predict(
  path: string | undefined,
  on: string[],
  given: PredictOptions,
  write: (chunk: Uint8Array) => Promise<void>,
  watching: Watch,
  isPart = false,
): Promise<PredictSummary> {
  const start = performance.now();
  const { out, force = false, model, rawScores = false, keep = [], hashKeys } = given;
  const { watch, warnings, warn } = collectWarnings(watching);
  checkOptions(path, given);
  const log = { on, reading: readingOf(given), hashKeys, ...badRowsOf(given) };
  const format = given.format ?? formatOfFile(out);
  if (out !== undefined && out !== "-") await checkOutput(out, force, "file");
  const run = path === undefined ? undefined : await openRun(path);
  const { threads } = log.reading;
  const predictor = run
    ? await (
        await capable(run, "predictor", "cannot score rows of a log", await insteadOfRows(run))
      )(run, { threads })
    : await (
        await ofForeign("foreignPredictor")
      )(model!, { threads });
  try {
    const predicting = new Predicting(run, predictor, { keep, rawScores, isPart }, log, watch);
    const batches =
      format === "csv" || format === "jsonl"
        ? predicting.batches()
        : ofOneSize(predicting.batches(), BATCH_ROWS);
    const chunks = rowChunks(format, predicting.columns, batches);
    await writeFileOr(write, out, chunks, { force, signal: watch.signal });
    for (const text of predicting.warnings()) warn(text);
    const { predictions } = predicting;
    return {
      command: "predict",
      version,
      out: out ?? "-",
      seconds: (performance.now() - start) / 1000,
      ...predicting.counts,
      options: {
        ...(path === undefined ? { model } : { run: path }),
        ...{ on, keep, rawScores, format },
        hashKeys,
      },
      metrics: {},
      predictions,
      warnings,
    };
  } finally {
    await predictor.end();
  }
}

function checkOptions(path: string | undefined, given: PredictOptions): void {
  const { model, keep = [] } = given;
  if ((path === undefined) === (model === undefined))
    throw new UsageError("predict needs a run, or a model of LightGBM or XGBoost with --model FILE");
  const twice = keep.find((name, i) => keep.indexOf(name) !== i);
  if (twice !== undefined) throw new UsageError(`--keep names '${twice}' twice`);
}

async function insteadOfRows(run: Run): Promise<string> {
  const { transform, foldIn } = (await modelOf(run)) ?? {};
  const ways = [
    ...(transform ? ["embed transform encodes rows by it"] : []),
    ...(foldIn ? ["embed transform --fold-in computes vectors of users from their events"] : []),
    ...(transform
      ? []
      : ["embed recall --for item and embed neighbors list nearest neighbors by its vectors"]),
  ];
  return ways.join("; ").replace(/^e/u, "E");
}

type PredictedLog = Pick<FurtherLog, "on" | "reading" | "hashKeys" | "maxBad" | "badRows">;

/** The prediction of a log: yields the predicted rows, which can be read once, and then has counts and warnings. */
class Predicting {
  numRows = 0;
  readonly unknown = new Map<string, UnseenCounts>();
  readonly columns: readonly RowColumn[];
  readonly predictions: string[];
  readonly #rawScores: boolean;
  readonly #isPart: boolean;
  /** columns of --keep, in the order of the option; `user` and `item` are replaced by the columns with these roles */
  readonly #kept: readonly string[];
  readonly #skipped: SkippedRows;
  #changed: string[] | undefined;

  constructor(
    private readonly run: Run | undefined,
    private readonly predictor: RowPredictor,
    { keep, rawScores, isPart }: { keep: readonly string[]; rawScores: boolean; isPart: boolean },
    private readonly log: PredictedLog,
    private readonly watch: Watch,
  ) {
    this.#rawScores = rawScores;
    this.#isPart = isPart;
    this.#skipped = new SkippedRows(log.on, log.maxBad);
    const { roles } = predictor.as ?? {};
    const columnOf = (name: string) =>
      (name === "user" || name === "item" ? roles?.[name] : undefined) ?? name;
    this.#kept = keep.map(columnOf);
    this.predictions = predictionNames(predictor.predicted, rawScores);
    const taken = keep.find((name) => this.predictions.includes(name));
    if (taken !== undefined)
      throw new UsageError(
        `--keep names column '${taken}', which is the name of a prediction column: omit it, or rename it in ` +
          "the log",
      );
    this.columns = [
      ...(keep.length > 0
        ? keep.map((name) => ({ name, type: "key" }) as const)
        : [{ name: "row", type: "count" } as const]),
      ...this.predictions.map((name) => ({ name, type: "f64" }) as const),
    ];
  }

  get counts(): RowCounts {
    const { numRead, numSkipped: bad } = this.#skipped;
    const leftOut = { filtered: numRead - bad - this.numRows, bad };
    return { rows: this.numRows, leftOut, unknown: Object.fromEntries(this.unknown) };
  }

  async *batches(): AsyncGenerator<RowBatch> {
    const { on, badRows } = this.log;
    const log = { ...this.log, beside: [...new Set(this.#kept)] };
    badRows?.hold();
    try {
      for await (const block of readBlocks(this.predictor, log, this.#skipped, this.watch))
        yield* this.#of(block);
    } finally {
      if (this.#skipped.numRead > 0) await badRows?.release(this.watch.signal);
    }
    if (this.#isPart) return;
    this.#skipped.check();
    if (this.numRows === 0)
      throw new NoRowsError(
        `no rows left of ${this.#skipped.numRead}; check the run's --where and --drop, and --on-bad-row`,
        { file: on.join(", ") },
      );
  }

  async *#of({ dataset, rowsBefore }: ReadBlock): AsyncGenerator<RowBatch> {
    if (!this.#changed && this.run && this.predictor.as)
      this.#changed = changedSides(this.run.manifest, dataset, this.predictor.as.sides);
    const { predicted } = this.predictor;
    for (let first = 0; first < dataset.numRows; first += BATCH_ROWS) {
      this.watch.signal.throwIfAborted();
      const numRows = Math.min(BATCH_ROWS, dataset.numRows - first);
      const rows = mapTo(Uint32Array, { length: numRows }, (_, i) => first + i);
      const scores = await this.predictor.score(dataset, rows);
      this.#count(this.predictor.countUnseen(dataset, rows));
      const made = linked(predicted, scores, this.#rawScores);
      this.numRows += numRows;
      yield { numRows, cells: [...this.#ownCells(dataset, rows, rowsBefore), ...this.#split(made, numRows)] };
    }
  }

  /** Returns the cells that identify the rows: those of the columns of --keep, or else row numbers from 1. */
  #ownCells({ beside }: Dataset, rows: Uint32Array, rowsBefore: number): RowCells[] {
    const { texts, rowNumbers } = beside!;
    if (this.#kept.length === 0) {
      const last = rowsBefore + rowNumbers[rows.at(-1)!]! + 1;
      if (last > MAX_ROW)
        throw new UsageError(
          `row ${last} is beyond the maximum row number: identify rows by a column with --keep COLUMN`,
        );
      return [mapTo(Uint32Array, rows, (row) => rowsBefore + rowNumbers[row]! + 1)];
    }
    return this.#kept.map((name) => {
      const { codes, dictionary } = texts.find((column) => column.name === name)!;
      return { keys: dictionary, places: rows.map((row) => codes[row] ?? MISSING) };
    });
  }

  /** Splits a row-major matrix of predictions into columns. */
  #split(made: Float64Array, numRows: number): Float64Array[] {
    const width = this.predictions.length;
    if (width === 1) return [made];
    return this.predictions.map((_, k) =>
      mapTo(Float64Array, { length: numRows }, (_row, row) => made[row * width + k]!),
    );
  }

  #count(counts: Record<string, UnseenCounts>): void {
    for (const [name, { cells, unseen }] of Object.entries(counts)) {
      const sum = this.unknown.get(name) ?? { cells: 0, unseen: 0 };
      this.unknown.set(name, { cells: sum.cells + cells, unseen: sum.unseen + unseen });
    }
  }

  /** Returns the warnings of the prediction; they are complete once all rows were read. */
  warnings(): string[] {
    return [
      ...this.#skipped.notes(),
      ...countWarnings(this.counts, this.predictor.as?.roles),
      ...(this.#changed ?? []),
      ...this.predictor.notes,
    ];
  }
}

type RowCounts = Pick<PredictSummary, "rows" | "leftOut" | "unknown">;

/** Returns warnings of rows that filters left out, of keys that training did not see, and of rows without a key. */
export function countWarnings(
  { rows, leftOut: { filtered, bad }, unknown }: RowCounts,
  { user, item }: { user?: string | undefined; item?: string | undefined } = {},
): string[] {
  return [
    ...(filtered > 0
      ? [
          `${filtered} of ${rows + filtered + bad} rows have no prediction: they are excluded by the run's --drop and ` +
            "--where, as in training",
        ]
      : []),
    ...unseenWarnings(unknown),
    ...Object.entries(unknown)
      .filter(([name, { cells }]) => (name === user || name === item) && cells < rows)
      .map(
        ([name, { cells }]) =>
          `'${name}' is missing in ${rows - cells} of ${rows} rows, which are scored without it`,
      ),
  ];
}
