// Reads a log in blocks for prediction. CSV and JSON lines are read as they arrive, so that memory holds one block and
// rows of a pipe are predicted at once. Other formats and encoded datasets are read as a single block.

import { isEncodedDataset } from "../../dataset/encoded/read.js";
import type { Dataset } from "../../dataset/dataset.js";
import type { SideTable } from "../../dataset/side.js";
import { requireColumn } from "../../dataset/roles.js";
import { NoInputError, UsageError } from "../../base/errors.js";
import { expandPaths } from "../../base/io/glob.js";
import { statOf } from "../../base/io/tree.js";
import { formOf } from "../../log/form.js";
import { rowBlocks } from "../../log/grouped-rows.js";
import { SAMPLE_ROWS } from "../../log/limits.js";
import type { ReadOptions } from "../../log/log.js";
import { filteredColumns, readSides } from "../../training/reading/read-dataset.js";
import { readingAs, type TrainedAs, type FurtherLog } from "../../training/reading/open-as-trained.js";
import type { RowPredictor } from "../../training/capabilities/row-predictor.js";
import type { SkippedRows } from "../../training/reading/bad-row-report.js";
import type { Watch } from "../../training/session/watch.js";

const BLOCK_BYTES = 4 << 20;

export interface ReadBlock {
  dataset: Dataset;
  /** number of rows of the log before the block, including those that were left out */
  rowsBefore: number;
}

export async function* readBlocks(
  predictor: RowPredictor,
  log: FurtherLog & { beside: readonly string[] },
  skipped: SkippedRows,
  watch: Watch,
): AsyncGenerator<ReadBlock> {
  const { on } = log;
  if (on.length === 0) throw new NoInputError("no log given: name one or several files, or - for stdin");
  const paths = await expandPaths(on);
  if (paths.filter((path) => path === "-").length > 1)
    throw new UsageError("- (standard input) can only be given once");
  const isDirectory = async (path: string) => (await statOf(path))?.isDirectory === true;
  const hasDirectory = (await Promise.all(paths.map(isDirectory))).includes(true);
  const reading = hasDirectory ? log.reading : readingAs(predictor.as?.cells, log.reading, paths);
  const tables = predictor.as && (await readSides(predictor.as.sides, reading, watch));
  const reader = new BlockReader(predictor, { ...log, ...(tables && { tables }) }, skipped, watch);
  const form = (await isEncodedDataset(paths[0]!)) ? "dataset" : formOf(paths, reading.format);
  if (hasDirectory || (form !== "csv" && form !== "jsonl")) {
    const dataset = await reader.whole(paths);
    if (dataset) yield { dataset, rowsBefore: 0 };
    return;
  }
  const names = form === "jsonl" ? requiredColumns(predictor.as, tables ?? [], log.beside) : [];
  const missing = new Set(names);
  const checkNames = (seen: readonly string[]) => {
    for (const name of missing) requireColumn("the run", name, seen);
    missing.clear();
  };
  for (const path of paths) {
    let seen: readonly string[] = [];
    for await (const block of rowBlocks(path, { ...reading, format: form }, BLOCK_BYTES)) {
      watch.signal.throwIfAborted();
      const rowsBefore = skipped.numRead;
      const { held } = block.reading;
      seen = held!.columns;
      for (const name of seen) missing.delete(name);
      // a JSON object may lack members, so a member that no object has is reported only after SAMPLE_ROWS rows
      if (rowsBefore + block.numRows >= SAMPLE_ROWS) checkNames(seen);
      const columns = [...new Set([...seen, ...names])];
      const dataset = await reader.block(
        path,
        { ...block.reading, held: { ...held!, columns } },
        block.numRows,
      );
      if (dataset) yield { dataset, rowsBefore };
    }
    checkNames(seen);
  }
}

class BlockReader {
  #bytes = 0;

  constructor(
    private readonly predictor: RowPredictor,
    private readonly log: FurtherLog,
    private readonly skipped: SkippedRows,
    private readonly watch: Watch,
  ) {}

  /** Reads all rows of the files as one block. @returns undefined if every row is left out */
  async whole(on: string[]): Promise<Dataset | undefined> {
    const { observe, signal } = this.watch;
    // drops warnings about rows, which are given once after the last block
    const watch = {
      signal,
      observe: (reported) => reported.stage === "reading" && observe(reported),
    } satisfies Watch;
    return await this.#read({ ...this.log, on }, watch, undefined);
  }

  /** Reads a block whose bytes are in memory. @param numRows number of rows of the block, including malformed ones */
  async block(
    path: string,
    reading: Pick<ReadOptions, "format" | "held" | "delimiter">,
    numRows: number,
  ): Promise<Dataset | undefined> {
    const { observe, signal } = this.watch;
    const { encoding: _, ...how } = this.log.reading;
    const log = { ...this.log, on: [path], reading: { ...how, ...reading, threads: 1 } };
    const dataset = await this.#read(log, { signal, observe: () => undefined }, numRows);
    this.#bytes += reading.held!.bytes.length;
    observe({ stage: "reading", rows: this.skipped.numRead, bytes: this.#bytes, totalBytes: undefined });
    return dataset;
  }

  async #read(log: FurtherLog, watch: Watch, numRows: number | undefined): Promise<Dataset | undefined> {
    const before = this.skipped.numRead;
    const dataset = await this.skipped.piece(numRows ?? 0, (report) =>
      this.predictor.read(
        // malformed rows are counted, because row numbers include them
        { ...log, onRead: (skipped, numRead) => report(skipped, numRows ?? numRead) },
        watch,
      ),
    );
    // encoded datasets report no left-out rows, because the encoding left them out
    if (dataset && this.skipped.numRead === before) this.skipped.read({}, dataset.numRows);
    return dataset;
  }
}

/** Returns the columns that the log must contain; side tables and the time column provide the model's others. */
function requiredColumns(
  as: TrainedAs | undefined,
  tables: readonly SideTable[],
  beside: readonly string[],
): string[] {
  if (!as) return [...beside];
  const { roles, timeFields } = as;
  const { user, item, fields, numeric, multi } = roles;
  const made = new Set([
    ...tables.flatMap(({ columns }) => columns.map(({ name }) => name)),
    ...(timeFields?.names ?? []),
  ]);
  const used = [user, item, ...fields, ...numeric, ...Object.keys(multi), timeFields && roles.time];
  const others = [...tables.map(({ key }) => key), ...filteredColumns(as).map(({ column }) => column)];
  return [...new Set([...used, ...others, ...beside])].filter(
    (name) => name !== undefined && !made.has(name),
  ) as string[];
}
