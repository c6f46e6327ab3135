import { availableParallelism } from "node:os";
import { UsageError } from "../../base/errors.js";
import { totalMemory } from "../../base/io/machine-resources.js";
import { inputFormats } from "../../log/form.js";
import { keyCases } from "../../log/keys.js";
import { numberFormOf, type EngineReading, type ReadOptions } from "../../log/log.js";
import { COMMON_NULLS } from "../../log/nulls.js";
import { unescapedDelimiter } from "../../log/text/separator.js";
import { choice, custom, flag, list, pick, shareOf, text, whole, type Given } from "../../options/table.js";

const group = "Reading:";

/** Options for file formats and cells. */
export const reading = {
  inputFormat: choice(inputFormats, {
    placeholder: "form",
    help: "format of the log; by default by the file extension",
    group,
  }),
  delimiter: text("text", {
    help: "cell delimiter, such as ';', '::', '\\t' or '\\x01'; by default detected from the header line",
    group,
  }),
  header: flag({
    help: "the log has no header line; columns are named c0, c1, ...",
    group,
    negated: true,
    default: true,
  }),
  columns: list("columns", {
    help: "column names for a log without a header, such as label,i1..i13,c1..c26",
    group,
  }),
  decimal: text("character", {
    help: "decimal separator of numbers, such as ','",
    group,
    shown: ".",
  }),
  thousands: text("character", {
    help: "thousands separator of numbers, such as '.'",
    group,
  }),
  encoding: text("name", {
    help: "text encoding of the log, such as utf-16le or gb18030",
    group,
    shown: "utf-8",
  }),
  comment: text("text", { help: "skip lines that start with this string, such as #", group }),
  null: list("texts", {
    help: "strings that mean a missing value; '' for none",
    group,
    shown: COMMON_NULLS.join(","),
  }),
  keyCase: choice(keyCases, {
    placeholder: "case",
    help: "read all keys in lower or upper case (of Unicode), so that U1 and u1 are one; --where and --drop compare the log's cells",
    group,
  }),
  dedupe: flag({ help: "drop exact duplicate rows", group }),
  dedupeBy: list("columns", {
    help: "columns that identify an event, such as event_id: keep one of the rows with the same cells in them",
    group,
    not: { dedupe: true },
  }),
  dedupeKeep: choice(["first", "last"], {
    placeholder: "row",
    help: "with --dedupe-by: the row to keep, in the order of the log; last holds all rows in memory",
    group,
    shown: "first",
    only: { dedupeBy: true },
  }),
  onBadRow: choice(["error", "skip"], {
    help: "what to do with a malformed row: stop with an error, or skip and count it",
    group,
    default: "error",
  }),
  maxCell: whole({
    placeholder: "bytes",
    min: 1,
    max: Number.MAX_SAFE_INTEGER,
    help: "maximum size of a cell",
    group,
    default: 4 << 20,
    shown: "4 MiB",
  }),
} as const;

const engineGroup = "Reading through an engine:";

export const engine = {
  engine: text("address", {
    help:
      "read the log through DuckDB (duckdb:shop.duckdb; duckdb: alone is in memory) or a Spark Connect server " +
      "(sc://localhost:15002, sc://HOST:443/;use_ssl=true)",
    group: engineGroup,
  }),
  engineSql: text("file", {
    help: "with --engine: file with a SELECT statement whose rows are the log; no log is named then",
    group: engineGroup,
    only: { engine: true },
  }),
  engineOrder: list("columns", {
    help: "with --engine: columns that order the rows of a table or query; no two different rows may tie",
    group: engineGroup,
    only: { engine: true },
  }),
  engineSlice: custom(
    "size",
    {
      type: "number | string",
      parse: (given: string) => sizeOf(given, "--engine-slice"),
      complaint: sliceComplaint,
    },
    {
      help: "with a Spark server: size of the rows that one job returns, such as 64M; by default a file or table is one job",
      group: engineGroup,
      only: { engine: true },
      noBytes: true,
    },
  ),
  engineTimeout: whole({
    placeholder: "seconds",
    min: 1,
    max: 86_400,
    help: "with a Spark server: how long it may be unreachable or silent before the command fails",
    group: engineGroup,
    default: 300,
    only: { engine: true },
    noBytes: true,
  }),
  engineHash: flag({
    help: "with a Spark server: record the SHA-256 of each file, which it reads once more for it",
    group: engineGroup,
    only: { engine: true },
  }),
} as const;

/** Options of commands whose work the executors of a Spark server can do. @param work what they do, for the help */
export const onExecutors = (work: string) =>
  ({
    engineOutput: text("path", {
      help: `with a Spark server: ${work}, and have Spark write them there as Parquet, below this path or URI of its side`,
      group: "On a Spark server:",
      only: { engine: true },
      not: { out: true, format: true },
      why: "Spark writes Parquet",
    }),
    engineParts: whole({
      min: 1,
      max: 10_000,
      help: "with --engine-output: number of tasks; each reads the run and does a part of the work",
      group: "On a Spark server:",
      only: { engineOutput: true },
      shown: "one for each core of the executors",
      noBytes: true,
    }),
  }) as const;

/** Options of commands that read rows and write rows, on this machine or on executors. */
export const rowsOnExecutors = {
  ...pick(engine, "engineSql", "engineTimeout"),
  engine: {
    ...engine.engine,
    help: "with --engine-output: Spark Connect server that reads the log (sc://localhost:15002, sc://HOST:443/;use_ssl=true)",
    only: { engineOutput: true },
  },
  ...onExecutors("process the rows on its executors"),
} as const;

export const engineTraining = {
  engineTrain: flag({
    help: "with a Spark server: train there, too; the result is no longer the same bytes",
    group: engineGroup,
    only: { engine: true },
  }),
} as const;

/** Options of --on-bad-row skip. */
export const badRows = {
  maxBad: custom(
    "share",
    { type: "number | string", parse: badShareOf },
    {
      help: "with --on-bad-row skip: maximum share of malformed rows; the command fails above it",
      group,
      shown: "1%",
      only: { onBadRow: ["skip"] },
      noBytes: true,
    },
  ),
  badRows: text("file", {
    help: "with --on-bad-row skip: write the skipped rows to this file, one JSON object per line",
    group,
    only: { onBadRow: ["skip"] },
    noBytes: true,
  }),
} as const;

const UNITS: Record<string, number> = { "": 1, K: 2 ** 10, M: 2 ** 20, G: 2 ** 30 };

/** Option for the maximum memory of an encoded dataset's rows, above which they stay on disk. */
export const memory = {
  maxMemory: custom(
    "size",
    { type: "number | string", parse: (given: string) => sizeOf(given, "--max-memory") },
    {
      help:
        "memory limit for the rows of an encoded dataset, such as 4G; larger datasets are read from disk " +
        "during training",
      group,
      default: () => totalMemory() / 2,
      shown: "half of the memory of the machine or its container",
      noBytes: true,
    },
  ),
} as const;

/** Share of --max-memory for the rows of an encoded dataset, for trainers that read them only before training. */
export const ROW_SHARE = 0.25;

/** Option for the number of threads, for trainings and for commands that only read. */
export const threads = {
  threads: whole({
    min: 1,
    max: 1024,
    help: "maximum number of threads; the result does not depend on it",
    group: "Training:",
    default: () => availableParallelism(),
    shown: "number of cores",
    noBytes: true,
  }),
} as const;

/** Parses a size such as `500M`, `4G`, `4GiB`, `4GB` or a number of bytes. @throws {UsageError} any other text */
function sizeOf(given: string, flagName: string): number {
  const [, amount, unit] = /^(\d+(?:\.\d+)?) ?([KMG]?)(?:i?B)?$/iu.exec(given) ?? [];
  if (amount === undefined)
    throw new UsageError(`${flagName} expects a size such as 500M or 4G, got '${given}'`);
  return Number(amount) * UNITS[unit!.toUpperCase()]!;
}

function badShareOf(given: string, flagName: string): number {
  const x = shareOf(given, flagName);
  if (x >= 0 && x <= 1) return x;
  throw new UsageError(`${flagName} expects a share from 0 to 1 (100%), got '${given}'`);
}

/** Converts the user's options to options for the first reading of a log; `nulls` are common strings by default. */
export function firstReadingOf(...given: Parameters<typeof readingOf>): ReadOptions {
  return { nulls: COMMON_NULLS, ...readingOf(...given) };
}

/** Converts the user's options to options for reading a log; undefined ones are later taken from the run, if any. */
export function readingOf(
  given: Given<typeof reading & typeof threads> & Given<typeof engine>,
  mostThreads = given.threads ?? availableParallelism(),
): ReadOptions {
  const {
    inputFormat: format,
    null: nulls,
    keyCase,
    dedupe,
    dedupeBy,
    dedupeKeep,
    delimiter,
    columns,
    encoding,
    comment,
    onBadRow,
    maxCell,
  } = given;
  if (columns) checkDistinct("--columns", columns);
  if (dedupeBy) checkDistinct("--dedupe-by", dedupeBy);
  return {
    // the flag begins with --no, so that the library commander sets `header` to true by default
    header: columns ? false : (given.header ?? reading.header.default),
    onBadRow: onBadRow ?? reading.onBadRow.default,
    maxCell: maxCell ?? reading.maxCell.default,
    threads: mostThreads,
    ...(format && { format }),
    ...(nulls && { nulls }),
    ...(keyCase && { keyCase }),
    ...(dedupe === true && { dedupe }),
    ...(dedupeBy && { dedupeBy }),
    ...(dedupeKeep && { dedupeKeep }),
    ...(delimiter !== undefined && { delimiter: unescapedDelimiter(delimiter) }),
    ...(columns && { columns }),
    ...numberFormOf(given),
    ...(encoding !== undefined && { encoding }),
    ...(comment !== undefined && { comment }),
    ...(given.engine !== undefined && { engine: engineOf(given) }),
  };
}

/** Rejects a small --engine-slice, because it leads to thousands of jobs, each of which reads its whole file again. */
function sliceComplaint(bytes: number): string | undefined {
  return Number.isFinite(bytes) && bytes >= 2 ** 20 ? undefined : "a size of at least 1M";
}

/** Converts the user's options to options of the engine that reads the log. */
export function engineOf(given: Given<typeof engine>): EngineReading {
  const { engine: address = "", engineSql: sql, engineOrder: order, engineHash: hash } = given;
  const { engineSlice: slice, engineTimeout: timeout } = given;
  return {
    address,
    ...(sql !== undefined && { sql }),
    ...(order && { order }),
    ...(slice !== undefined && { slice }),
    ...(timeout !== undefined && { timeout }),
    ...(hash !== undefined && { hash }),
  };
}

function checkDistinct(flagName: string, columns: readonly string[]): void {
  const twice = columns.find((name, i) => columns.indexOf(name) < i);
  if (twice !== undefined) throw new UsageError(`${flagName} names '${twice}' twice`);
}
