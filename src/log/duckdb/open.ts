// Opens the rows of a query or table of DuckDB as a log: the counterpart of log/parquet/open.ts, with batches of
// vectors in place of row groups.
//
//   query ──► sorted by --engine-order ──► chunks of 2,048 rows ──► batches of columns ──► keys and numbers
//
// A query runs once: its first batch is the sample, and the reading continues after this batch if it needs all columns.

import { DataError, NoInputError, NoRowsError, UsageError } from "../../base/errors.js";
import { pathExists } from "../../base/io/read-artifact.js";
import { checkColumnCount, SAMPLE_ROWS } from "../limits.js";
import {
  undelimited,
  type ColumnRequest,
  type EngineReading,
  type Log,
  type ReadOptions,
  type ReadResult,
} from "../log.js";
import { NullTexts } from "../nulls.js";
import { BatchCursor, type BatchColumn } from "../parquet/batch-cursor.js";
import {
  columnOptions,
  holdsTimes,
  separatorIn,
  type LeafColumn,
  type ListSeparators,
} from "../parquet/cursor.js";
import { readRanges, type RangeItem } from "../parquet/read.js";
import { checkedReading, noSuchColumn } from "../read.js";
import { readingDedupeColumns, withoutDuplicates } from "../duplicate-events.js";
import { withKeyCase } from "../key-case.js";
import { RowDigest } from "../digest.js";
import { checkQueryReading, sqlOfFile, tableNameIn, databasePath } from "../named-log.js";
import { batchColumn } from "./cells.js";
import { openDatabase, type DuckDb, type PreparedQuery } from "./database.js";
import { castFor, columnTypeOf, TypeId, type VectorType } from "./types.js";
import { vectorColumn, type VectorColumn } from "./vectors.js";

/** Number of rows of a batch; smaller batches have a noticeable overhead. */
const BATCH_ROWS = 1 << 16;
/** Number of bytes of a batch's values; a batch of long texts has fewer rows. */
const BATCH_BYTES = 1 << 25;

/**
 * Opens a log that DuckDB reads.
 *
 * @param named one `table:NAME`; none with a query
 * @param onServer called with DuckDB's version
 * @throws {UsageError} a name or an option is invalid for DuckDB @throws {NoInputError} the database file does not
 * exist
 * @throws {EmbedError} as openDatabase, prepareFile and openLog
 */
export async function openEngineLog(
  named: readonly string[],
  options: ReadOptions,
  { signal, onServer }: { signal: AbortSignal; onServer?: (server: string) => void },
): Promise<Log> {
  const engine = options.engine!;
  const table = tableOrQuery(named, engine);
  checkQueryReading(options, table === undefined ? "a query" : "a table");
  const path = databasePath(engine.address);
  const sql = engine.sql === undefined ? undefined : await sqlOfFile(engine.sql);
  if (path !== undefined && !(await pathExists(path)))
    throw new NoInputError(`--engine: the database '${path}' does not exist`);
  const database = await openDatabase({ path, threads: options.threads, signal });
  onServer?.(`DuckDB ${database.version}`);
  try {
    const query =
      table === undefined
        ? await database.prepareFile(engine.sql!, sql!)
        : await database.prepareTable(table);
    const name = table === undefined ? `sql:${engine.sql}` : `table:${table}`;
    const log = await new QueryLog(database, query, name, readingDedupeColumns(options)).open();
    return withKeyCase(withoutDuplicates(log, options), options);
  } catch (error) {
    await database.close();
    throw error;
  }
}

/** Undefined for a query. @throws {UsageError} the user names an input that is not a table */
function tableOrQuery(named: readonly string[], engine: EngineReading): string | undefined {
  const unfit = (["slice", "timeout", "hash"] as const).find((name) => engine[name] !== undefined);
  if (unfit !== undefined)
    throw new UsageError(
      `--engine-${unfit} applies to Spark Connect servers, and --engine ${engine.address} is DuckDB`,
    );
  const table = tableNameIn(named, engine);
  const other = named.find((name) => table === undefined || name !== `table:${table}`);
  if (other === undefined) return table;
  throw new UsageError(
    `'${other}': with --engine duckdb:, name table:NAME, or write a query (--engine-sql FILE), such as ` +
      `SELECT * FROM '${/^[\w.:/*-]+$/.test(other) ? other : "logs/*.parquet"}'; files of this machine need no engine`,
  );
}

/** A query that is read once, from its first row to its last. */
class QueryLog {
  readonly #types: ReadonlyMap<string, VectorType | undefined>;
  readonly #columns: ListSeparators;
  readonly #order: readonly string[];
  #names: readonly string[] = [];
  /** columns of the first batch of the query */
  #batch: BatchColumns = new Map();
  /** columns of the batch to which the next chunk is appended */
  #filling: BatchColumns = new Map();
  /** batches that were already scanned, whose memory is reused */
  readonly #spare: BatchColumns[] = [];
  #rows: AsyncGenerator<number, void, undefined> | undefined;
  #isEnd = false;

  constructor(
    readonly database: DuckDb,
    readonly query: PreparedQuery,
    readonly path: string,
    readonly options: ReadOptions,
  ) {
    const types = query.columns.map(({ name, type }) => [name, columnTypeOf(database.duckdb, type)] as const);
    this.#types = new Map(types);
    const names = query.columns.map(({ name }) => name);
    this.#columns = columnOptions(names, options, (name) => this.#types.get(name)?.listSize !== undefined);
    this.#order = options.engine!.order!;
    const missing = this.#order.find((name) => !names.includes(name));
    if (missing !== undefined) throw noSuchColumn(missing, names);
  }

  /** Runs the query and reads its first batch. @throws {NoRowsError} it has no rows */
  async open(): Promise<Log> {
    const names = [...this.#types.keys()];
    const { ignored, multi } = this.#columns;
    checkColumnCount(names.length, this.path, 1);
    for (const name of this.#order) await this.#checkType(name);
    const isUsed = (name: string) => !ignored.has(name) && this.#types.get(name) !== undefined;
    await this.#start(names.filter(isUsed));
    const sample = this.#sample(names, isUsed);
    const numSampled = numRowsOf(this.#batch);
    if (numSampled === 0)
      throw new NoRowsError("the table or query has no rows", { file: this.path, line: 1 });
    if (sample.length === 0 && this.options.onBadRow === "skip")
      throw new NoRowsError(`none of the first ${SAMPLE_ROWS} rows can be read`, {
        file: this.path,
        line: 1,
      });
    return checkedReading({
      columns: names,
      multi,
      times: new Set(names.filter((name) => isUsed(name) && holdsTimes(this.#leafOf(name)))),
      floats: new Set(names.filter((name) => this.#types.get(name)?.id === TypeId.DOUBLE)),
      sample: new NullTexts(this.options.nulls).cells(sample),
      sampleIsAll: this.#isEnd && numSampled <= SAMPLE_ROWS,
      ...undelimited(this.options),
      read: (requests, onBatch, observe) => this.#read(requests, onBatch, observe),
      close: () => this.#close(),
    });
  }

  async #close(): Promise<void> {
    await this.#rows?.return();
    await this.database.close();
  }

  /** Runs the query for the requested columns, and reads the first batch. */
  async #start(names: readonly string[]): Promise<void> {
    await this.#rows?.return();
    this.#names = [...new Set([...names, ...this.#order])];
    this.#isEnd = false;
    this.#rows = this.database.rows(this.query, this.#names, this.#order, () => this.#filling);
    this.#batch = await this.#filled();
  }

  /** Reads the next rows into a batch that no thread uses; the batch is empty at the end of the query. */
  async #filled(): Promise<BatchColumns> {
    const batch =
      this.#spare.pop() ?? new Map(this.#names.map((name) => [name, vectorColumn(this.#types.get(name)!)]));
    this.#filling = batch;
    for (const column of batch.values()) column.clear();
    while (!this.#isEnd && numRowsOf(batch) < BATCH_ROWS) {
      this.#isEnd = (await this.#rows!.next()).done === true;
      let bytes = 0;
      for (const column of batch.values()) bytes += column.bytesHeld;
      if (bytes > BATCH_BYTES) break;
    }
    return batch;
  }

  #leafOf(name: string): LeafColumn {
    const { element, listSize } = this.#types.get(name)!;
    const isList = listSize !== undefined;
    return {
      name,
      element: { name, ...element },
      ...{ codec: "UNCOMPRESSED", start: 0, end: 0, numValues: 0, maxDefinition: 1 },
      maxRepetition: isList ? 1 : 0,
      separator: separatorIn(name, isList, this.#columns),
    };
  }

  #sample(names: readonly string[], isUsed: (name: string) => boolean): string[][] {
    const numRows = numRowsOf(this.#batch);
    const cells = names.map((name) =>
      isUsed(name)
        ? new BatchCursor(
            this.#leafOf(name),
            batchColumn(this.#leafOf(name), this.#batch.get(name)!, this.path),
          ).texts(Math.min(numRows, SAMPLE_ROWS))
        : undefined,
    );
    const sample: string[][] = [];
    for (let row = 0; row < Math.min(numRows, SAMPLE_ROWS); row++) {
      const texts = cells.map((column) => column?.[row] ?? "");
      // leaves faulty rows out of the sample; they are reported when the whole log is read
      if (texts.every((text) => typeof text === "string")) sample.push(texts);
    }
    return sample;
  }

  async #checkType(name: string): Promise<void> {
    if (this.#types.get(name)) return;
    const type = (await this.database.typeTexts(this.query)).get(name) ?? "unknown";
    throw new DataError(
      `cells of the type ${type} are not read: write ${castFor(name, type)} in the query, or --ignore ${name}`,
      { file: this.path, column: name },
    );
  }

  async #read(
    requests: readonly ColumnRequest[],
    onBatch: Parameters<Log["read"]>[1],
    observe: Parameters<Log["read"]>[2],
  ): Promise<ReadResult> {
    const { options } = this;
    const { ignored } = this.#columns;
    const names = [...new Set(requests.map(({ name }) => name))].filter((name) => !ignored.has(name));
    for (const name of names) await this.#checkType(name);
    // the first batch is used if all of its columns are requested; otherwise the query runs again, for the requested
    // columns only
    const isAll = [...this.#batch.keys()].every((name) => names.includes(name) || this.#order.includes(name));
    if (!isAll) await this.#start(names);
    const columns = requests.map(({ name }) => (ignored.has(name) ? "" : this.#leafOf(name)));
    const items = this.#ranges(columns);
    // if the query has only one batch, starting a second thread takes longer than it would save
    const numThreads = this.#isEnd ? 1 : options.threads;
    const result = await readRanges({ items, requests, options, numThreads }, onBatch, observe);
    return { ...result, warnings: [] };
  }

  async *#ranges(columns: readonly (LeafColumn | string)[]): AsyncGenerator<RangeItem, void, undefined> {
    const { path } = this;
    const names = [...this.#batch.keys()];
    const ties = new VectorTieCheck(path, this.#order, names);
    const digest = new RowDigest(names.length);
    let [numRows, numBytes] = [0, 0];
    const fingerprint = () => ({ path, bytes: numBytes, sha256: digest.sha256(), of: "rows" as const });
    const file = { path, fingerprint };
    yield { kind: "start", file };
    let own = this.#batch;
    for (let group = 0; numRowsOf(own) > 0; group++) {
      const length = numRowsOf(own);
      // the next batch is filled while the current batch is scanned
      const next = this.#filled();
      next.catch(() => undefined);
      ties.check(own, length);
      let at = 0;
      for (const column of own.values()) {
        const bytes = column.bytes();
        digest.add(at++, bytes, column.marks(numRows));
        numBytes += bytes.length;
      }
      numRows += length;
      const batch = new Map<string, BatchColumn>();
      for (const leaf of columns)
        if (typeof leaf !== "string") batch.set(leaf.name, batchColumn(leaf, own.get(leaf.name)!, path));
      const range = {
        path,
        fd: -1,
        group,
        from: 0,
        to: length,
        groupRows: length,
        columns: [...columns],
        batch,
      };
      const scanned = own;
      yield { kind: "range", range, release: () => void this.#spare.push(scanned) };
      own = await next;
    }
    yield { kind: "end", file };
  }
}

function numRowsOf(columns: BatchColumns): number {
  const [first] = columns.values();
  return first!.numRows;
}

type BatchColumns = ReadonlyMap<string, VectorColumn>;

/**
 * Checks that rows with equal columns of --engine-order are equal in all columns; otherwise their order would depend on
 * the timing of DuckDB's threads. The batches of the query must be passed in order.
 */
class VectorTieCheck {
  #numRows = 0;
  readonly #path: string;
  readonly #order: readonly string[];
  readonly #names: readonly string[];
  #same = new Uint8Array(0);
  /** values of the previous batch's last row, by column */
  #last: Map<string, string> | undefined;

  constructor(path: string, order: readonly string[], names: readonly string[]) {
    this.#path = path;
    this.#order = order;
    this.#names = names.filter((name) => !order.includes(name));
  }

  check(columns: BatchColumns, numRows: number): void {
    if (numRows === 0) return;
    if (this.#same.length < numRows) this.#same = new Uint8Array(numRows);
    const same = this.#same.subarray(0, numRows).fill(1);
    same[0] = Number(this.#order.every((name) => this.#isLast(columns, name)));
    for (const name of this.#order) columns.get(name)!.compare(same);
    if (same.includes(1)) {
      const ties = same.slice();
      for (const name of this.#names) {
        columns.get(name)!.compare(same);
        if (same[0] === 1 && !this.#isLast(columns, name)) same[0] = 0;
        const row = same.findIndex((isSame, i) => isSame !== ties[i]);
        if (row !== -1) throw this.#tie(name, row);
      }
    }
    this.#last = new Map(
      [...this.#order, ...this.#names].map((name) => [name, columns.get(name)!.identity(numRows - 1)]),
    );
    this.#numRows += numRows;
  }

  /** Whether the first row of the batch equals the last row of the previous batch. */
  #isLast(columns: BatchColumns, name: string): boolean {
    return this.#last?.get(name) === columns.get(name)!.identity(0);
  }

  #tie(column: string, row: number): DataError {
    const order = this.#order.join(", ");
    const second = this.#numRows + row + 1;
    return new DataError(
      `rows ${second - 1} and ${second} have the same ${order} and differ here, so that their order would be ` +
        "chance: add columns to --engine-order until no two rows tie",
      { file: this.#path, column },
    );
  }
}
