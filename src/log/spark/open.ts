// Opens a log that a Spark Connect server reads.
//
//   files of text    lines, for the readers of local files        lines.ts
//   Parquet files    batches of Arrow                                     rows.ts
//   table:NAME, SQL  batches of Arrow in the given order          rows.ts

import { IoError, UsageError } from "../../base/errors.js";
import { arrow } from "../../base/io/apache-arrow.js";
import type { InputFingerprint } from "../../base/io/fingerprint.js";
import { checkUndelimited, formOf } from "../form.js";
import type { EngineReading, Log, ReadOptions } from "../log.js";
import { openFiles } from "../open.js";
import { readingDedupeColumns, withoutDuplicates } from "../duplicate-events.js";
import { withKeyCase } from "../key-case.js";
import { batchesIn } from "./batches.js";
import { checkRemoteNames, checkUnchanged, literal, remoteFiles, type RemoteFile } from "./files.js";
import { lineSource } from "./lines.js";
import { checkQueryReading, sqlOfFile, tableNameIn } from "../named-log.js";
import { filesOf, projected, queryOf, namedTable } from "./plans.js";
import { openRows } from "./rows.js";
import { openSession, type EngineSession } from "./session.js";

const DEFAULT_TIMEOUT = 300;

/** Settings of Spark that affect the result; they are always set, because their defaults differ between servers. */
const SETTINGS = {
  "spark.sql.session.timeZone": "UTC",
  "spark.sql.files.ignoreCorruptFiles": "false",
  "spark.sql.files.ignoreMissingFiles": "false",
  "spark.sql.execution.arrow.useLargeVarTypes": "false",
};

/** Settings for rows that executors read: dates of Parquet files are not rebased. */
export const ROW_SETTINGS = {
  ...SETTINGS,
  "spark.sql.caseSensitive": "true",
  "spark.sql.sources.partitionColumnTypeInference.enabled": "false",
  "spark.sql.parquet.binaryAsString": "false",
  "spark.sql.parquet.datetimeRebaseModeInRead": "CORRECTED",
  "spark.sql.parquet.int96RebaseModeInRead": "CORRECTED",
};

export const CASE_SENSITIVE = { "spark.sql.caseSensitive": "true" };

/** Names are case-sensitive, because a Parquet file may have columns `a` and `A`; dates are not rebased. */
const FILE_SETTINGS = {
  ...SETTINGS,
  ...CASE_SENSITIVE,
  "spark.sql.sources.partitionColumnTypeInference.enabled": "false",
  "spark.sql.parquet.binaryAsString": "false",
  "spark.sql.parquet.filterPushdown": "true",
};

/** Bytes of a file per task. Rows arrive when a task ends, so the server reads while this process encodes. */
const TASK_BYTES = 16 << 20;
const PARQUET = { mergeSchema: "false", datetimeRebaseMode: "CORRECTED", int96RebaseMode: "CORRECTED" };

/**
 * Opens a log through a Spark Connect server.
 *
 * @param named files with a scheme, directories and patterns of them, or one `table:NAME`; none with a query
 * @param onServer called with the server that answered, and its version
 * @throws {UsageError} a name or an option is invalid for this server
 * @throws {EmbedError} as openSession, Session.run and openLog
 */
export async function openEngineLog(
  named: readonly string[],
  options: ReadOptions,
  { signal, onServer }: { signal: AbortSignal; onServer?: (server: string) => void },
): Promise<Log> {
  const engine = options.engine!;
  const table = tableNameIn(named, engine);
  const isQuery = table !== undefined || engine.sql !== undefined;
  if (!isQuery) checkRemoteNames(named);
  const query = engine.sql === undefined ? undefined : await sqlOfSelect(engine.sql);
  const settings = isQuery ? SETTINGS : { ...FILE_SETTINGS, ...splitsOf(engine) };
  const session = await openEngineSession(engine, settings, signal);
  onServer?.(`${session.shown} (Spark ${session.version})`);
  try {
    const log = isQuery
      ? await openQuery(session, table, query, options)
      : await openNamed(session, named, options);
    return {
      ...log,
      async close() {
        await log.close();
        await session.close();
      },
    };
  } catch (error) {
    await session.close();
    throw error;
  }
}

/** Opens a session on the server that the options name; the caller closes it. @throws as openSession */
export async function openEngineSession(
  { address, timeout = DEFAULT_TIMEOUT }: Pick<EngineReading, "address" | "timeout">,
  settings: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<EngineSession> {
  return await openSession({ address, timeout: 1000 * timeout, signal, settings });
}

/** Limits the blocks into which Spark splits files to half of `slice`, the bytes that one job reads (lines.ts). */
function splitsOf({ slice = Infinity }: EngineReading): Record<string, string> {
  const bytes = Math.max(1, Math.min(TASK_BYTES, Math.floor(slice / 2)));
  return { "spark.sql.files.maxPartitionBytes": String(bytes) };
}

/** Reads a file with one SELECT statement. @throws {UsageError} it is another statement @throws as sqlOfFile */
export async function sqlOfSelect(path: string): Promise<string> {
  const text = await sqlOfFile(path);
  const query = text.trim().replace(/;$/, "");
  if (query === "") throw new UsageError(`--engine-sql: '${path}' is empty: expected one SELECT statement`);
  // only SELECT statements are accepted, because the server would execute any other statement when its columns are
  // requested
  if (!/^(--[^\n]*\n\s*|\/\*[\s\S]*?\*\/\s*)*\(*\s*(select|with|from|values|table)\b/i.test(query))
    throw new UsageError(`--engine-sql: '${path}' must be one SELECT statement, which may begin with WITH`);
  return query;
}

async function openQuery(
  session: EngineSession,
  table: string | undefined,
  query: string | undefined,
  options: ReadOptions,
): Promise<Log> {
  checkQueryReading(options, table === undefined ? "a query" : "a table");
  const { sql, order, slice, hash } = options.engine!;
  if (hash === true)
    throw new UsageError(
      "--engine-hash applies to files: rows of tables and queries have their own checksum",
    );
  const input = {
    path: table === undefined ? `sql:${sql}` : `table:${table}`,
    relation: table === undefined ? queryOf(query!) : namedTable(table),
    partition: {},
    order: order!,
  };
  const log = await openRows(session, [input], readingDedupeColumns(options), slice);
  return withKeyCase(withoutDuplicates(log, options), options);
}

async function openNamed(
  session: EngineSession,
  named: readonly string[],
  options: ReadOptions,
): Promise<Log> {
  const { slice, hash } = options.engine!;
  const { files, warnings } = await remoteFiles(session, named);
  const form = formOf(
    files.map(({ path }) => path),
    options.format,
  );
  let log: Log;
  if (form === "parquet") {
    checkUndelimited(options, "the log format is parquet");
    const inputs = files.map(({ uri, path, partition, bytes, modified }) => ({
      ...{ path, partition, bytes, modified, order: undefined },
      relation: filesOf("parquet", [literal(uri)], PARQUET),
    }));
    log = await openRows(session, inputs, readingDedupeColumns(options), slice);
    const told = { ...log, warnings: [...warnings, ...log.warnings] };
    log = withKeyCase(withoutDuplicates(told, options), options);
  } else {
    checkText(options);
    const byPath = new Map(files.map((file) => [file.path, file]));
    const sources = {
      open: (path: string) => Promise.resolve(lineSource(session, byPath.get(path)!, slice)),
    };
    log = await openFiles({ files, warnings }, { ...options, sources });
  }
  return {
    ...log,
    async read(requests, onBatch, observe) {
      const result = await log.read(requests, onBatch, observe);
      await checkUnchanged(session, named, files);
      return hash === true ? { ...result, inputs: await hashed(session, files, result.inputs) } : result;
    },
  };
}

/** @throws {UsageError} Spark cannot find the lines in this encoding */
function checkText({ encoding }: ReadOptions): void {
  if (encoding === undefined || /^utf-?8$/i.test(encoding)) return;
  throw new UsageError(
    `--encoding ${encoding} cannot be combined with --engine, which reads UTF-8: convert the files, or read them on ` +
      "this machine",
  );
}

/** Returns the inputs of the log with checksums, which the server computes from the files. */
async function hashed(
  session: EngineSession,
  files: readonly RemoteFile[],
  inputs: readonly InputFingerprint[],
): Promise<InputFingerprint[]> {
  const named: InputFingerprint[] = [];
  for (const [i, { of: _, ...input }] of inputs.entries()) {
    const { uri, path } = files[i]!;
    const relation = projected(filesOf("binaryFile", [literal(uri)], {}), ["sha2(content, 256) AS sha256"]);
    let sha256 = "";
    for (const bytes of await session.fetch(relation, `'${path}'`))
      for (const { children } of batchesIn(bytes, ["text"], `'${path}'`))
        sha256 = String(new arrow.Vector([children[0]!]).get(0));
    if (!/^[0-9a-f]{64}$/.test(sha256))
      throw new IoError(
        `--engine-hash: ${session.shown} gave no checksum of '${path}': files of 2 GB or more have none`,
      );
    named.push({ ...input, sha256 });
  }
  return named;
}
