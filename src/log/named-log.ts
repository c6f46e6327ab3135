// Checks names and options of a log that is a table or a query; all engines use these checks.

import { IoError, NoInputError, UsageError } from "../base/errors.js";
import { errorCode } from "../base/io/write.js";
import { readText } from "../base/io/read-text.js";
import { checkUndelimited } from "./form.js";
import type { EngineReading, ReadOptions } from "./log.js";

const TABLE = /^table:(.*)$/s;

/**
 * Returns the name of the table if the log is a table; undefined if it is a query or files.
 *
 * @throws {UsageError} names and options cannot be combined
 * @throws {NoInputError} the user names no input
 */
export function tableNameIn(named: readonly string[], { sql, order }: EngineReading): string | undefined {
  const tables = named.flatMap((name) => TABLE.exec(name)?.[1] ?? []);
  if (sql !== undefined && named.length > 0)
    throw new UsageError(
      `--engine-sql names the rows to read: omit ${named.map((name) => `'${name}'`).join(", ")}`,
    );
  if (sql === undefined && named.length === 0)
    throw new NoInputError("no log given: name files, table:NAME, or a query with --engine-sql");
  if (tables.length > 0 && named.length > 1)
    throw new UsageError(
      "a table is read alone: join or unite tables and files in a query, --engine-sql FILE",
    );
  if (tables.includes("")) throw new UsageError("expected table:NAME, such as table:catalog.database.name");
  const isQuery = tables.length > 0 || sql !== undefined;
  if (isQuery && !order?.length)
    throw new UsageError(
      `${sql === undefined ? `'${named[0]}'` : "--engine-sql"} needs --engine-order COLUMNS: rows of tables and queries ` +
        "have no order of their own, and results depend on the order; name columns in which no two rows tie, such as " +
        "time,user,item",
    );
  if (!isQuery && order)
    throw new UsageError(
      "--engine-order applies to tables and queries; rows of files are read in the files' order",
    );
  return tables[0];
}

/** Reads a file with SQL. @throws {NoInputError} the file does not exist @throws {IoError} the file cannot be read */
export async function sqlOfFile(path: string): Promise<string> {
  try {
    return await readText(path);
  } catch (error) {
    if (errorCode(error) === "ENOENT") throw new NoInputError(`--engine-sql: '${path}' does not exist`);
    throw new IoError(`--engine-sql: cannot read '${path}'`, { cause: error });
  }
}

/** Checks reading options of a table or query, named `what`. @throws {UsageError} an option applies to files only */
export function checkQueryReading(options: ReadOptions, what: string): void {
  const texts = {
    "--delimiter": options.delimiter,
    "--comment": options.comment,
    "--encoding": options.encoding,
  };
  const own = Object.entries(texts).find(([, value]) => value !== undefined)?.[0];
  if (own !== undefined) throw new UsageError(`${own} is only supported for text, and the log is ${what}`);
  checkUndelimited(options, `the log is ${what}`);
  if (options.format !== undefined && options.format !== "parquet")
    throw new UsageError(`--input-format is only supported for files, and the log is ${what}`);
}

/** Returns the path of the database file; undefined for a database in memory. @throws {UsageError} it is a URL */
export function databasePath(address: string): string | undefined {
  const path = address.replace(/^duckdb:/i, "");
  if (path.startsWith("//") || /^[a-z][a-z0-9+.-]+:/i.test(path))
    throw new UsageError(
      `--engine: expected duckdb:PATH, such as duckdb:shop.duckdb, or duckdb: for a database in memory, got ` +
        `'${address}': attach other databases in the query's file, ATTACH '...' AS shop (READ_ONLY);`,
    );
  return path === "" || path === ":memory:" ? undefined : path;
}
