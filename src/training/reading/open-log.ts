// Opens a log from files, or by the engine that the options name.

import { UsageError } from "../../errors.js";
import { isRemote, type Log, type ReadOptions } from "../../log/log.js";
import { openLog } from "../../log/open.js";
import type { Watch } from "../session/watch.js";

/**
 * Opens a log. The engine's modules are loaded only if an engine is used.
 *
 * @throws the errors of openLog and openEngineLog
 */
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
  const { isDuckDbAddress } = await import("../../engine/named-log.js");
  if (isDuckDbAddress(options.engine.address)) {
    const { openDuckDbLog } = await import("../../engine/duckdb/open.js");
    return await openDuckDbLog(named, options, { signal, onServer });
  }
  const { openEngineLog } = await import("../../engine/open.js");
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

/** Returns the error for an encoded dataset that is combined with an engine. */
export function datasetIsHere(path: string, advice = ""): UsageError {
  return new UsageError(
    `dataset '${path}' is on this machine and is not read through a server: omit --engine${advice}`,
  );
}
