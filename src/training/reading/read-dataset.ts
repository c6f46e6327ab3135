// Reads a log with its side tables, or an encoded dataset in its place, in steps:
//
//   log ──► rows without malformed, duplicate, filtered, weightless and bad ones ─┐
//   encoded dataset, which records its steps ─────────────────────────────────────┴─► time fields ─► hashed ids
//                                                    ─► limits on users ─► limits on events ─► dataset, list of steps

import { buildDataset, type BuildOptions } from "../../dataset/build.js";
import { checkBadShare, type BadRow } from "../../dataset/collect.js";
import { DEFAULT_MAX_BAD } from "../../log/skip-advice.js";
import { hashStep, likeStep, TEXT_LEFT_OUT, withoutExcerpts } from "../../dataset/hash-keys.js";
import type { EncodedShaping } from "../../dataset/encoded/play-roles.js";
import { openEncoded, type EncodedRequest } from "../../dataset/encoded/open.js";
import type { Dataset, ReadingStep } from "../../dataset/dataset.js";
import { eventLimitSteps, type EventLimits } from "../../dataset/filters/event-limits.js";
import { userLimitSteps, type UserLimits } from "../../dataset/filters/heavy-users.js";
import { runSteps, skippedNotes, stepNotes } from "../../dataset/steps.js";
import { withTimeFields } from "../../dataset/time-fields.js";
import { parseDrop, parseWhere, type Where } from "../../dataset/filters/where.js";
import { parseSide, readSide, type SideTable } from "../../dataset/side.js";
import { DataError, UsageError } from "../../base/errors.js";
import { keyedHashFrom } from "../../base/io/key-file.js";
import { formOf } from "../../log/form.js";
import { numberFormOf, isRemote, type Log, type ReadOptions, type ReadProgress } from "../../log/log.js";
import type { NumberForm } from "../../log/number.js";
import type { BadRowReport } from "./bad-row-report.js";
import type { Watch } from "../session/watch.js";
import { openLog } from "../../log/open.js";

export interface DatasetOptions
  extends
    Omit<BuildOptions, "filters" | "userLimits" | "onSkipped" | "onRead">,
    Pick<EncodedRequest, "maxMemory" | "rowMemory" | "wholeFor" | "engineAdvice">,
    UserLimits,
    EventLimits {
  /** conditions of the form COLUMN OPERATOR TEXT; matching rows are dropped */
  drop: string[];
  /** filter expressions, in the syntax of where.ts; rows that match all of them are kept */
  where?: string[];
  reading: ReadOptions;
  /** maximum share of bad rows that may be skipped; 0.01 by default */
  maxBad?: number;
  badRows?: BadRowReport;
  /** receives the numbers of skipped rows per reason and of all rows, in place of the check against maxBad */
  onRead?: (skipped: Record<string, number>, numRead: number) => void;
  /** side tables, each as FILE:KEY, or FILE:KEY=SIDEKEY if the key column of the table has another name */
  sides: string[];
  /** path of a file with a secret; ids are replaced by hashes with this key, in the dataset and in errors */
  hashKeys?: string;
  /** columns to hash; the user, item and session columns by default */
  hashKeysOf?: string[];
  /** dataset with which this one is used; the ids of both must be hashed with the same secret, or not at all */
  like?: Pick<Dataset, "hashKeys">;
  /** true if the training uses the order of events, so that session and time of further logs must be read */
  inSequence?: true;
  /** true if reports of skipped rows must not contain text, because it may contain ids */
  hidesText?: boolean;
  /** side tables, if they were already read (readSides) */
  tables?: SideTable[];
}

/** A dataset that was read. `shaping` contains the options with which it was encoded; they override the flags. */
export interface ReadDataset {
  dataset: Dataset;
  shaping?: EncodedShaping;
}

/** Reads files as one log with its side tables, or an encoded dataset. Reports inferred columns and left out rows. */
export async function readDataset(
  paths: readonly string[],
  options: DatasetOptions,
  watch: Watch,
): Promise<ReadDataset> {
  const { like, hashKeys, hashKeysOf: named } = options;
  const hash = hashKeys === undefined ? undefined : await keyedHashFrom(hashKeys);
  const limits = [...userLimitSteps(options), ...eventLimitSteps(options)];
  const warn = (text: string) => watch.observe({ stage: "warning", text });
  return await hidingText(hash !== undefined, async () => {
    const request = hash ? { ...options, hidesText: true } : options;
    const encoded = await openEncoded(paths, request, limits, warn);
    const { dataset, steps } = encoded ?? (await withLog(paths, request, watch, buildDataset));
    const { shaping, warnings = [], roleSteps = [] } = encoded ?? {};
    const derived = options.infer ? { ...options, ...shaping } : options;
    const filters = [options, ...(shaping ? [shaping] : [])].flatMap(filteredColumns);
    const done = runSteps({ dataset, steps, warnings }, [
      ...roleSteps,
      { step: "time fields", run: (rows) => ({ dataset: withTimeFields(rows, derived) }) },
      ...(hash ? [hashStep({ hash, named, filters }, paths[0]!)] : []),
      ...(like ? [likeStep(like, paths)] : []),
      ...limits,
    ]);
    tell({ warnings: done.warnings, steps: done.steps.slice(steps.length) }, watch);
    return { dataset: { ...done.dataset, steps: done.steps }, shaping };
  });
}

/** Calls a function, and removes text of the input from its errors if it may contain ids. */
export async function hidingText<T>(isHidden: boolean, run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    throw isHidden && error instanceof DataError ? withoutExcerpts(error) : error;
  }
}

function parseFilters({ drop, where = [] }: Pick<DatasetOptions, "drop" | "where">): Where[] {
  return [...drop.map(parseDrop), ...where.map((source) => parseWhere(source))];
}

/** Returns the columns that filters use, each with the flag of its filter. */
export function filteredColumns({ drop, where }: Pick<DatasetOptions, "drop" | "where">) {
  return parseFilters({ drop, where }).flatMap(({ flag, tests }) =>
    tests.map(({ column }) => ({ flag, column })),
  );
}

interface Reported {
  inferred?: string[];
  notes?: string[];
  warnings: string[];
  skipped?: Record<string, number>;
  steps?: ReadingStep[];
}

/** Opens files as one log with its side tables, calls `read`, and reports inferred columns and left out rows. */
export async function withLog<T extends Reported>(
  paths: readonly string[],
  {
    reading,
    sides,
    drop,
    where,
    maxBad,
    badRows,
    onRead,
    hidesText = false,
    tables,
    ...options
  }: DatasetOptions,
  watch: Watch,
  read: (
    log: Log,
    tables: SideTable[],
    options: BuildOptions,
    observe: (progress: ReadProgress) => void,
  ) => Promise<T>,
): Promise<T> {
  await badRows?.check([...paths, ...sides.map((side) => parseSide(side).path)]);
  const { observe, signal } = watch;
  const sideTables = tables ?? (await readSides(sides, reading, watch));
  const filters = parseFilters({ drop, where });
  const opening: ReadOptions = {
    ...reading,
    multi: options.multi,
    ...(options.multiWeights && { multiWeights: options.multiWeights }),
    ignore: options.ignore,
    // malformed rows must be listed to compute the row numbers of the other rows, because row numbers count them
    keepBadRows: badRows !== undefined || options.beside !== undefined,
  };
  const log = await openLogWith(paths, opening, watch);
  const bad = badRowHandling(paths, { maxBad, badRows, onRead, hidesText }, signal);
  try {
    const built = await read(log, sideTables, { ...options, ...bad, hidesText, filters }, (progress) => {
      signal.throwIfAborted();
      observe({ stage: "reading", ...progress });
    });
    tell(built, watch);
    return built;
  } finally {
    await log.close();
  }
}

/** Reads the side tables of a log. @param sides values of --side */
export async function readSides(
  sides: readonly string[],
  reading: ReadOptions,
  watch: Watch,
): Promise<SideTable[]> {
  const tables = [];
  for (const side of sides) {
    const { path, key, sideKey } = parseSide(side);
    // a table or query is sorted by its keys, which are distinct
    const through = furtherReading(reading, path, [sideKey]);
    const own = through.engine ? typedSideReading(reading) : sideReading(reading, [path]);
    const { engine, threads } = through;
    const log = await openLogWith([path], { ...own, threads, ...(engine && { engine }) }, watch);
    try {
      tables.push(await readSide(log, path, key, sideKey));
    } finally {
      await log.close();
    }
  }
  return tables;
}

/** Returns the callbacks for skipped rows. */
export function badRowHandling(
  paths: readonly string[],
  {
    maxBad = DEFAULT_MAX_BAD,
    badRows,
    onRead,
    hidesText,
  }: Pick<DatasetOptions, "hidesText"> & {
    maxBad?: number | undefined;
    badRows?: BadRowReport | undefined;
    onRead?: DatasetOptions["onRead"] | undefined;
  },
  signal: AbortSignal,
) {
  return {
    ...(badRows && {
      onSkipped: (row: BadRow) => badRows.add(hidesText ? { ...row, text: TEXT_LEFT_OUT } : row),
    }),
    onRead: async (skipped: Record<string, number>, numRead: number) => {
      await badRows?.write(signal);
      if (onRead) onRead(skipped, numRead);
      else checkBadShare(skipped, numRead, maxBad, paths);
    },
  };
}

function tell(
  { inferred = [], notes = [], skipped = {}, warnings, steps = [] }: Reported,
  { observe }: Watch,
): void {
  for (const text of [...inferred, ...notes, ...stepNotes(steps)]) observe({ stage: "note", text });
  for (const text of [...warnings, ...skippedNotes(skipped)]) observe({ stage: "warning", text });
}

/** Default format of a side table, regardless of the log's format. */
export const defaultSideReading: Omit<ReadOptions, "threads"> = {
  header: true,
  onBadRow: "error",
  maxCell: 4 << 20,
};

/** Returns the format of a side table whose cells are parsed like the log's. Typed columns need no number format. */
export function sideReading(
  { nulls, keyCase, ...numbers }: CellsOfSide & NumberForm,
  paths: readonly string[],
): Omit<ReadOptions, "threads"> {
  const isText = formOf(paths, undefined) === "csv";
  return { ...typedSideReading({ nulls, keyCase }), ...(isText && numberFormOf(numbers)) };
}

type CellsOfSide = { [Name in "nulls" | "keyCase"]?: ReadOptions[Name] | undefined };

function typedSideReading({ nulls, keyCase }: CellsOfSide): Omit<ReadOptions, "threads"> {
  return { ...defaultSideReading, ...(nulls && { nulls }), ...(keyCase && { keyCase }) };
}

/** Opens a log from files, or by the engine that the options name, whose modules are loaded only then. */
export async function openLogWith(
  given: readonly string[],
  { engine, ...reading }: ReadOptions,
  { observe, signal }: Watch,
): Promise<Log> {
  if (!engine) return await openLog(given, reading);
  const sql = given.length === 1 ? QUERY.exec(given[0]!)?.[1] : undefined;
  const named = sql === undefined ? given : [];
  const options = { ...reading, engine: { ...engine, ...(sql !== undefined && { sql }) } };
  const onServer = (server: string) => observe({ stage: "doing", text: `reading through ${server}` });
  const kind = /^duckdb:/i.test(engine.address) ? "duckdb" : "spark";
  return await engines[kind](named, options, { signal, onServer });
}

type OpenEngineLog = (
  named: readonly string[],
  options: ReadOptions,
  how: { signal: AbortSignal; onServer: (server: string) => void },
) => Promise<Log>;

/** The engines that read logs; each is loaded on demand. */
const engines: Record<"duckdb" | "spark", OpenEngineLog> = {
  duckdb: async (...log) => await (await import("../../log/duckdb/open.js")).openEngineLog(...log),
  spark: async (...log) => await (await import("../../log/spark/open.js")).openEngineLog(...log),
};

/** Prefix of a path of a further log or side table that is a query instead of a file: `sql:FILE`. */
const QUERY = /^sql:(.+)$/s;

/**
 * Returns the options for reading a further log or side table: by the engine if the path denotes a table or query,
 * otherwise from a file.
 *
 * @param order columns by which a table or query is sorted; files are read in their own order
 * @throws {UsageError} it is a table or query, but there is no engine
 */
export function furtherReading(
  { engine, ...reading }: ReadOptions,
  path: string,
  order = engine?.order,
): ReadOptions {
  const isTable = /^(table|sql):/.test(path);
  if (!engine && isTable)
    throw new UsageError(`'${path}' is read through an engine: name it with --engine, or name a file`);
  if (!engine || !isRemote(path)) return reading;
  const { sql: _, order: __, ...server } = engine;
  return { ...reading, engine: { ...server, ...(isTable && order && { order }) } };
}
