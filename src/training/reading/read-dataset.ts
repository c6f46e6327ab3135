// Opens a log with its side tables, or an encoded dataset instead, and reads it completely.

import { buildDataset, type BuildOptions, type BuiltDataset } from "../../dataset/build.js";
import { checkBadShare, type BadRow } from "../../dataset/collect.js";
import { DEFAULT_MAX_BAD } from "../../log/skip-advice.js";
import {
  secretIdOf,
  TEXT_LEFT_OUT,
  withHashedKeys,
  withoutExcerpts,
  type HashingRequest,
} from "../../dataset/hash-keys.js";
import { checkReading, playRoles, shapingOf, type EncodedShaping } from "../../dataset/encoded/play-roles.js";
import {
  besideOfEncoded,
  isEncodedDataset,
  readDescription,
  readEncoded,
  rowBytes,
} from "../../dataset/encoded/read.js";
import type { Dataset, KeyHashing } from "../../dataset/dataset.js";
import {
  userLimitFlags,
  userLimitsOf,
  withoutHeavyUsers,
  type DroppedUsers,
  type UserLimits,
} from "../../dataset/filters/heavy-users.js";
import { ofLog, withTimeFields } from "../../dataset/time-fields.js";
import { parseDrop, parseWhere, type Where } from "../../dataset/filters/where.js";
import { parseSide, readSide, type SideTable } from "../../dataset/side.js";
import { DataError, sizeText, UsageError } from "../../base/errors.js";
import { keyedHashFrom } from "../../base/io/key-file.js";
import { formOf } from "../../log/form.js";
import { numberFormOf, isRemote, type Log, type ReadOptions, type ReadProgress } from "../../log/log.js";
import type { NumberForm } from "../../log/number.js";
import { skippedNotes, type BadRowReport } from "./bad-row-report.js";
import type { Watch } from "../session/watch.js";
import { openLog } from "../../log/open.js";

export interface DatasetOptions extends Omit<BuildOptions, "filters" | "onSkipped" | "onRead">, UserLimits {
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
  /** maximum bytes of an encoded dataset's rows in memory; larger datasets stay on disk. Unlimited when absent */
  maxMemory?: number;
  /** maximum bytes of these rows, if it is not maxMemory */
  rowMemory?: number;
  /** flags that require all rows in memory, regardless of maxMemory */
  wholeFor?: readonly string[];
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
export interface ReadDataset extends BuiltDataset {
  shaping?: EncodedShaping;
  /** users that --drop-users-above dropped, now or at encoding; absent without these options */
  droppedUsers?: DroppedUsers;
}

/** Reads files as one log with its side tables, or an encoded dataset. Reports inferred columns and skipped rows. */
export async function readDataset(
  paths: readonly string[],
  { like, ...options }: DatasetOptions,
  watch: Watch,
): Promise<ReadDataset> {
  const read = await readHashed(paths, options, watch);
  if (like) checkAlike(like, read.dataset, paths);
  // an encoded dataset no longer contains the users above the limits with which it was encoded
  const done = userLimitFlags(read.shaping ?? {});
  const isDone = userLimitFlags(options).every((flag) => done.includes(flag));
  return isDone ? read : droppingUsers(read, userLimitsOf(options), watch);
}

function droppingUsers(read: ReadDataset, limits: UserLimits, { observe }: Watch): ReadDataset {
  const { dataset, dropped, warnings } = withoutHeavyUsers(read.dataset, limits);
  for (const text of warnings) observe({ stage: "warning", text });
  return {
    ...read,
    dataset,
    droppedUsers: dropped,
    ...(read.shaping && { shaping: { ...read.shaping, ...limits } }),
  };
}

function checkAlike(
  { hashKeys: expected }: Pick<Dataset, "hashKeys">,
  { hashKeys: got }: Dataset,
  paths: readonly string[],
): void {
  if (expected?.secretId === got?.secretId) return;
  const named = paths.join(", ");
  if (!expected)
    throw new UsageError(
      `the ids of dataset '${named}' are hashed, but those of the run or of the other rows are not`,
    );
  throw new UsageError(
    got
      ? `the ids of dataset '${named}' were hashed with a different secret than those of the run or of the ` +
          "other rows"
      : `the ids of '${named}' are not hashed, but those of the run or of the other rows are: pass the file ` +
          "with the secret, --hash-keys FILE",
  );
}

async function readHashed(
  paths: readonly string[],
  { hashKeys, hashKeysOf, ...options }: DatasetOptions,
  watch: Watch,
): Promise<ReadDataset> {
  if (hashKeys === undefined) return await readRaw(paths, options, watch);
  const hash = await keyedHashFrom(hashKeys);
  return await hidingText(async () => {
    const read = await readRaw(paths, { ...options, hidesText: true }, watch);
    if (read.dataset.hashKeys) {
      checkHashing(read.dataset, read.dataset.hashKeys, { hash, named: hashKeysOf }, paths[0]!);
      return read;
    }
    const drop = [...options.drop, ...(read.shaping?.drop ?? [])];
    const where = [...(options.where ?? []), ...(read.shaping?.where ?? [])];
    const request = { hash, named: hashKeysOf, filters: filteredColumns({ drop, where }) };
    return { ...read, dataset: withHashedKeys(read.dataset, request) };
  });
}

/** Calls a function, and removes text of the input from its errors. */
export async function hidingText<T>(run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    throw error instanceof DataError ? withoutExcerpts(error) : error;
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

function checkHashing(
  { columns }: Dataset,
  hashing: KeyHashing,
  { hash, named }: Pick<HashingRequest, "hash" | "named">,
  path: string,
): void {
  if (hashing.secretId !== secretIdOf(hash))
    throw new UsageError(
      `the ids of dataset '${path}' were hashed with a different secret than the one in --hash-keys`,
    );
  const other = columns.find(({ name }) => named && named.includes(name) !== hashing.columns.includes(name));
  if (other)
    throw new UsageError(
      `--hash-keys-of contradicts dataset '${path}', whose hashed columns are ${hashing.columns.join(", ")}`,
    );
}

async function readRaw(
  paths: readonly string[],
  options: DatasetOptions,
  watch: Watch,
): Promise<ReadDataset> {
  for (const path of paths) {
    if (!(await isEncodedDataset(path))) continue;
    if (paths.length > 1)
      throw new UsageError(
        `'${path}' is an encoded dataset and cannot be combined with ${paths.length - 1} other inputs`,
      );
    const read = await readEncodedAs(path, options, watch);
    return withDerived(read, options.infer ? { ...options, ...read.shaping } : options);
  }
  return withDerived(await withLog(paths, options, watch, buildDataset), options);
}

function withDerived(read: ReadDataset, options: DatasetOptions): ReadDataset {
  return { ...read, dataset: withTimeFields(read.dataset, options) };
}

async function readEncodedAs(path: string, options: DatasetOptions, watch: Watch): Promise<ReadDataset> {
  const { maxMemory = Infinity, rowMemory = maxMemory } = options;
  const description = await readDescription(path);
  const done = userLimitFlags(description.options);
  // checks the flags of a training only: when a run is evaluated, the limits on users come from the run
  if (options.infer) checkUserLimits(path, done, userLimitFlags(options));
  checkReading(path, description.options.reading, options.reading, options.infer);
  const wholeFor = [
    ...(options.wholeFor ?? []),
    ...userLimitFlags(options).filter((flag) => !done.includes(flag)),
  ];
  const bytes = rowBytes(description);
  if (bytes > maxMemory && wholeFor.length > 0) {
    const text =
      `${wholeFor.join(", ")} ${wholeFor.length === 1 ? "needs" : "need"} all rows in memory, ` +
      `about ${sizeText(bytes)}, regardless of --max-memory (${sizeText(maxMemory)})`;
    watch.observe({ stage: "warning", text });
  }
  const encoded = await readEncoded(path, wholeFor.length > 0 ? Infinity : rowMemory);
  const { dataset, skipped, notes, numZeros } = playRoles(encoded, ofLog(options));
  const zeroWeightRows = numZeros + (description.zeroWeightRows ?? 0);
  const reported = { inferred: [], notes, skipped, warnings: leftOutWarnings(dataset) };
  tell(reported, watch);
  const beside = options.beside && besideOfEncoded(encoded.dataset, options.beside);
  return {
    dataset: { ...dataset, ...(beside && { beside }) },
    ...reported,
    shaping: shapingOf(encoded, options),
    droppedUsers: description.droppedUsers,
    droppedDuplicates: description.droppedDuplicates,
    ...(zeroWeightRows > 0 && { zeroWeightRows }),
  };
}

function checkUserLimits(path: string, encoded: readonly string[], given: readonly string[]): void {
  if (encoded.length === 0) return;
  const other = given.find((flag) => !encoded.includes(flag));
  if (other !== undefined)
    throw new UsageError(
      `${other} contradicts dataset '${path}', encoded with ${encoded.join(" and ")}: omit the option, or encode ` +
        "the log again with it",
    );
}

/** Warns about columns that were excluded from the features when a dataset was encoded. */
function leftOutWarnings({ roles: { leftOut = [] } }: Dataset): string[] {
  return leftOut.map(
    (name) =>
      `'${name}' had fewer than two rows per key when the log was encoded and is not used as a feature: ` +
      `--ignore ${name} silences this warning, --fields with all feature names includes it`,
  );
}

type Reported = Pick<BuiltDataset, "inferred" | "notes" | "skipped" | "warnings">;

/** Opens files as one log with its side tables, calls `read`, and reports inferred columns and skipped rows. */
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

function tell({ inferred, notes, skipped, warnings }: Reported, { observe }: Watch): void {
  for (const text of [...inferred, ...notes]) observe({ stage: "note", text });
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
  const { isDuckDbAddress } = await import("../../log/named-log.js");
  if (isDuckDbAddress(options.engine.address)) {
    const { openDuckDbLog } = await import("../../log/duckdb/open.js");
    return await openDuckDbLog(named, options, { signal, onServer });
  }
  const { openEngineLog } = await import("../../log/spark/open.js");
  return await openEngineLog(named, options, { signal, onServer });
}

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

export function datasetIsHere(path: string, advice = ""): UsageError {
  return new UsageError(
    `dataset '${path}' is on this machine and is not read through a server: omit --engine${advice}`,
  );
}
