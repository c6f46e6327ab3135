// Opens a DuckDB database in this process, runs the statements of a SQL file, and streams the rows of a query. Errors of
// DuckDB become error classes of this project; an error in SQL states the line and column in the file.

import { rm } from "node:fs/promises";
import { DataError, UsageError, EmbedError, IoError, LockedError, NoInputError } from "../../base/errors.js";
import { makeTemporaryDirectory } from "../../base/io/leftovers.js";
import {
  loadDuckDb,
  type Bindings,
  type Chunk,
  type Connection,
  type Database,
  type LogicalType,
  type Statement,
} from "./bindings.js";
import { TextColumn, type VectorColumn } from "./vectors.js";
import { columnTypeOf } from "./types.js";

/** Size of the buffer in which DuckDB's threads store result rows before they are read, in bytes. */
const BUFFER_BYTES = 32 << 20;

/** Numbers by which DuckDB denotes types of statements. */
const [SELECT, CREATE, SET, LOAD, ATTACH] = [1, 7, 20, 21, 25];

/** Milliseconds between two attempts to interrupt a statement. */
const INTERRUPTS = 50;

export interface PreparedQuery {
  sql: string;
  doing: SqlWork;
  columns: { name: string; type: LogicalType }[];
}

export interface DatabaseOptions {
  /** path of the database file; undefined for a database in memory */
  path: string | undefined;
  threads: number;
  signal: AbortSignal;
}

/**
 * Opens a database; a file is opened for reading only.
 *
 * @throws {UsageError} the package is missing @throws {LockedError} another program writes to it
 * @throws {DataError} the file is not a database that this version of DuckDB can read
 */
export async function openDatabase({ path, threads, signal }: DatabaseOptions): Promise<DuckDb> {
  const duckdb = loadDuckDb();
  signal.throwIfAborted();
  const folder = await makeTemporaryDirectory("duckdb");
  const doing = { what: path === undefined ? "a database in memory" : `'${path}'` };
  try {
    const config = duckdb.create_config();
    const settings = {
      ...(path !== undefined && { access_mode: "READ_ONLY" }),
      threads: String(threads),
      temp_directory: folder,
      // with `errors_as_json`, DuckDB's errors state the position in the statement
      errors_as_json: "true",
    };
    for (const [name, value] of Object.entries(settings)) duckdb.set_config(config, name, value);
    const database = await duckdb.open(path ?? ":memory:", config);
    return new DuckDb(duckdb, database, await duckdb.connect(database), folder, doing.what, signal);
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    throw duckDbFailure(error, doing);
  }
}

/** An open database, which runs one statement at a time. */
export class DuckDb {
  readonly version: string;
  readonly duckdb: Bindings;
  readonly #database: Database;
  readonly #connection: Connection;
  readonly #folder: string;
  readonly #what: string;
  readonly #signal: AbortSignal;
  #interrupts: NodeJS.Timeout | undefined;
  readonly #onAbort: () => void;
  #isOpen = true;

  constructor(
    duckdb: Bindings,
    database: Database,
    connection: Connection,
    folder: string,
    what: string,
    signal: AbortSignal,
  ) {
    [this.duckdb, this.#database, this.#connection] = [duckdb, database, connection];
    [this.#folder, this.#what, this.#signal] = [folder, what, signal];
    this.version = duckdb.library_version();
    this.#onAbort = () => {
      duckdb.interrupt(connection);
      // an interrupt has no effect on a query that has not started yet, so interrupts are repeated
      this.#interrupts = setInterval(() => duckdb.interrupt(connection), INTERRUPTS);
    };
    signal.addEventListener("abort", this.#onAbort);
  }

  /**
   * Runs all statements of a file except the last, which is the query.
   *
   * @throws {UsageError} a statement does more than prepare a query, or the last is not a query
   * @throws {DataError} DuckDB rejects a statement; with line and column
   */
  async prepareFile(path: string, sql: string): Promise<PreparedQuery> {
    const statements = sqlStatements(sql);
    const query = statements.pop();
    if (!query) throw new UsageError(`--engine-sql: '${path}' is empty: expected a SELECT statement`);
    const file = { path, sql };
    await this.#limitBuffer({ what: this.#what });
    for (const statement of statements)
      await this.#prelude(statement, { file, statement, what: `'${path}'` });
    return await this.#prepare(query.text, { file, statement: query, what: `'${path}'` });
  }

  /** Prepares the reading of a table or view. @param name as written in SQL: `schema.table` @throws as prepareFile */
  async prepareTable(name: string): Promise<PreparedQuery> {
    await this.#limitBuffer({ what: this.#what });
    return await this.#prepare(`SELECT * FROM ${name}`, { what: `table '${name}' of ${this.#what}` });
  }

  /**
   * Reads columns of a query's result, sorted by the columns `order`. DuckDB returns the rows in chunks; each chunk is
   * appended to arrays, one per column.
   *
   * @param into returns the arrays to which the next chunk is appended, by the column's name
   * @returns the numbers of rows of the chunks
   * @throws as prepareFile
   */
  async *rows(
    { sql, doing }: PreparedQuery,
    names: readonly string[],
    order: readonly string[],
    into: () => ReadonlyMap<string, VectorColumn>,
  ): AsyncGenerator<number, void, undefined> {
    const { duckdb } = this;
    const before = `SELECT ${names.map(quoted).join(", ")} FROM (\n`;
    const by = order.map((name) => `${quoted(name)} ASC NULLS FIRST`).join(", ");
    const added = Buffer.byteLength(before);
    let statement: Statement | undefined;
    let coming: Promise<Chunk | null> | undefined;
    try {
      const ordered = `${before}${sql}\n) AS embed_rows ORDER BY ${by}`;
      statement = await duckdb.prepare(this.#connection, ordered);
      const result = await duckdb.execute_prepared_streaming(statement);
      // starts to compute the next chunk, while the caller works on this one
      coming = duckdb.fetch_chunk(result);
      for (;;) {
        const chunk = await coming;
        this.#signal.throwIfAborted();
        const numRows = chunk ? duckdb.data_chunk_get_size(chunk) : 0;
        if (!chunk || numRows === 0) break;
        coming = duckdb.fetch_chunk(result);
        coming.catch(() => undefined);
        let column = 0;
        for (const values of into().values())
          values.append(duckdb, duckdb.data_chunk_get_vector(chunk, column++), numRows);
        yield numRows;
      }
      coming = undefined;
    } catch (error) {
      this.#signal.throwIfAborted();
      throw duckDbFailure(error, { ...doing, added });
    } finally {
      // a pending chunk that is never read would keep the database open
      if (coming) {
        duckdb.interrupt(this.#connection);
        await coming.catch(() => undefined);
      }
      if (statement) duckdb.destroy_prepare_sync(statement);
    }
  }

  /** Returns the types of a query's columns by name, as DuckDB writes them in SQL. */
  async typeTexts({ sql, doing }: PreparedQuery): Promise<Map<string, string>> {
    const { duckdb } = this;
    return await this.#prepared(`DESCRIBE (\n${sql}\n)`, doing, async (statement) => {
      const result = await duckdb.execute_prepared(statement);
      const [names, types] = [0, 1].map((i) => {
        const type = duckdb.prepared_statement_column_logical_type(statement, i);
        return new TextColumn(columnTypeOf(duckdb, type)!);
      }) as [TextColumn, TextColumn];
      for (let chunk = await duckdb.fetch_chunk(result); chunk; chunk = await duckdb.fetch_chunk(result)) {
        const numRows = duckdb.data_chunk_get_size(chunk);
        if (numRows === 0) break;
        for (const [i, column] of [names, types].entries())
          column.append(duckdb, duckdb.data_chunk_get_vector(chunk, i), numRows);
      }
      return new Map(Array.from({ length: names.numRows }, (_, i) => [names.text(i), types.text(i)]));
    });
  }

  /** Interrupts the running statement and closes the database. Never throws. */
  async close(): Promise<void> {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#signal.removeEventListener("abort", this.#onAbort);
    clearInterval(this.#interrupts);
    this.duckdb.interrupt(this.#connection);
    this.duckdb.disconnect_sync(this.#connection);
    this.duckdb.close_sync(this.#database);
    await rm(this.#folder, { recursive: true, force: true }).catch(() => undefined);
  }

  /** Limits the number of result bytes that DuckDB's threads compute before they are read. */
  async #limitBuffer(doing: SqlWork): Promise<void> {
    await this.#prepared(`SET streaming_buffer_size = '${BUFFER_BYTES}B'`, doing, (statement) =>
      this.duckdb.execute_prepared(statement),
    );
  }

  /** Prepares a statement, calls `work`, and destroys it; otherwise it would keep the database open. */
  async #prepared<T>(
    sql: string,
    doing: SqlWork,
    work: (statement: Statement) => T | Promise<T>,
  ): Promise<T> {
    try {
      const statement = await this.duckdb.prepare(this.#connection, sql);
      try {
        return await work(statement);
      } finally {
        this.duckdb.destroy_prepare_sync(statement);
      }
    } catch (error) {
      this.#signal.throwIfAborted();
      throw duckDbFailure(error, doing);
    }
  }

  /** Runs a statement that precedes the query, if its type is allowed. */
  async #prelude(statement: SqlStatement, doing: SqlWork): Promise<void> {
    const { duckdb } = this;
    const words = firstWords(statement.text);
    await this.#prepared(statement.text, doing, async (prepared) => {
      const type = duckdb.prepared_statement_type(prepared);
      const isTemporary =
        /^CREATE (OR REPLACE )?(TEMP|TEMPORARY) (VIEW|MACRO|FUNCTION|SECRET)\b/.test(words) ||
        /^CREATE (OR REPLACE )?(MACRO|FUNCTION|SECRET)\b/.test(words);
      const isReading = type !== ATTACH || /\bREAD_ONLY\b/.test(statement.text.toUpperCase());
      const isAllowed = type === SET || type === LOAD || (type === CREATE && isTemporary) || type === ATTACH;
      if (!isAllowed)
        throw new UsageError(
          `--engine-sql: '${words}' in ${doing.what} cannot come before the query: a file ends with one SELECT ` +
            "statement, and before it may have SET, LOAD, INSTALL, ATTACH ... (READ_ONLY), CREATE TEMP VIEW, CREATE " +
            "TEMP MACRO and CREATE SECRET",
        );
      if (!isReading)
        throw new UsageError(
          `--engine-sql: '${words}' in ${doing.what} needs (READ_ONLY), because reading a log changes no database`,
        );
      await duckdb.execute_prepared(prepared);
    });
  }

  /** @throws {UsageError} not a query @throws {DataError} DuckDB rejects it, or two columns have the same name */
  async #prepare(sql: string, doing: SqlWork): Promise<PreparedQuery> {
    const { duckdb } = this;
    return await this.#prepared(sql, doing, (statement) => {
      if (duckdb.prepared_statement_type(statement) !== SELECT)
        throw new UsageError(
          `--engine-sql: ${doing.what} must end with one SELECT statement, whose rows are the log, got '${firstWords(sql)}'`,
        );
      const columns = Array.from({ length: duckdb.prepared_statement_column_count(statement) }, (_, i) => ({
        name: duckdb.prepared_statement_column_name(statement, i),
        type: duckdb.prepared_statement_column_logical_type(statement, i),
      }));
      // DuckDB treats names that differ only in case as equal
      const lower = columns.map(({ name }) => name.toLowerCase());
      const twice = columns.find((_, i) => lower.indexOf(lower[i]!) < i);
      if (twice)
        throw new DataError("two columns have the same name: rename one of them in the query with AS", {
          file: doing.file?.path ?? doing.what,
          column: twice.name,
        });
      return { sql, doing, columns };
    });
  }
}

function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

interface SqlStatement {
  text: string;
  /** number of characters before the statement in the file */
  start: number;
}

/**
 * Text in which a semicolon does not end a statement: comments, quoted text and names, dollar quotes. Unclosed quoted
 * text extends to the end of the file, and DuckDB reports it.
 */
const WHOLE =
  /--[^\n]*|\/\*(?:[^*]|\*(?!\/))*(?:\*\/|$)|[eE]'(?:[^'\\]|\\[\s\S]|'')*(?:'|$)|'(?:[^']|'')*(?:'|$)|"(?:[^"]|"")*(?:"|$)|\$(\w*)\$[\s\S]*?(?:\$\1\$|$)|;|[\s\S]/g;
const COMMENTS = /--[^\n]*|\/\*(?:[^*]|\*(?!\/))*(?:\*\/|$)/g;

function sqlStatements(sql: string): SqlStatement[] {
  const statements: SqlStatement[] = [];
  let start = 0;
  const end = (at: number): void => {
    const text = sql.slice(start, at);
    if (text.replaceAll(COMMENTS, "").trim() !== "") statements.push({ text, start });
  };
  for (const { 0: token, index } of sql.matchAll(WHOLE)) {
    if (token !== ";") continue;
    end(index);
    start = index + 1;
  }
  end(sql.length);
  return statements;
}

/** Returns the first words of a statement in upper case; comments are skipped. */
function firstWords(text: string): string {
  return text.replaceAll(COMMENTS, " ").trim().replaceAll(/\s+/g, " ").slice(0, 200).toUpperCase();
}

/** Converts a position to line and column of the file, from 1. @param bytes bytes of the statement before it */
function placeInFile(
  sql: string,
  { text, start }: SqlStatement,
  bytes: number,
): { line: number; column: number } {
  const before = sql.slice(0, start) + Buffer.from(text, "utf8").subarray(0, bytes).toString("utf8");
  const lines = before.split("\n");
  return { line: lines.length, column: lines.at(-1)!.length + 1 };
}

/** The operation that failed, for messages: a statement of a SQL file, or another operation. */
interface SqlWork {
  /** path and text of the SQL file; undefined if the user named a table */
  file?: { path: string; sql: string } | undefined;
  statement?: SqlStatement | undefined;
  /** number of bytes of SQL that precede the statement in the text sent to DuckDB, whose error positions count them */
  added?: number;
  /** name of the database or table in messages: `'shop.duckdb'`, `table 'events'` */
  what: string;
}

/** An error of DuckDB in the format of the setting `errors_as_json`. */
interface Stated {
  exception_type: string;
  exception_message: string;
  position?: string;
}

/** Converts an error that DuckDB threw; returns other errors unchanged. */
function duckDbFailure(error: unknown, doing: SqlWork): unknown {
  if (error instanceof EmbedError || !(error instanceof Error)) return error;
  const { exception_type: kind, exception_message: message, position } = statedBy(error.message);
  const text = message.replaceAll(/\s*\n\s*/g, " ").trim();
  const cause = { cause: error };
  const said = `${kind === "" ? "" : `${kind} Error: `}${text}`;
  if (/Could not set lock on file/.test(text))
    return new LockedError(
      `--engine: ${doing.what} is in use by another program that writes to it (${text}): try again when that has ended`,
      cause,
    );
  if (/Extension|extension "/.test(`${kind} ${text}`) && /not found|autoload|install|download/i.test(text))
    return new UsageError(
      `--engine: DuckDB lacks an extension (${text}): where there is a network, INSTALL it once with DuckDB ` +
        "of the same version, or LOAD 'PATH' of its file before the query",
      cause,
    );
  if (text.startsWith("No files found that match"))
    return new NoInputError(`${placed(doing, position)}${said}`);
  if (kind === "Out of Memory" || /Out of Memory/i.test(text))
    return new IoError(
      `--engine: DuckDB is out of memory while it reads ${doing.what} (${text}): close other programs, or set ` +
        "memory_limit and temp_directory before the query",
      cause,
    );
  if (/not a valid DuckDB database|version number|Serialization/.test(said))
    return new DataError(`${doing.what} is not a database that this DuckDB reads: ${said}`);
  if (kind === "IO" || kind === "HTTP" || kind === "Permission" || kind === "Connection")
    return new IoError(`--engine: reading ${doing.what} failed: ${said}`, cause);
  return new DataError(`${placed(doing, position)}${said}`);
}

function statedBy(text: string): Stated {
  const start = text.indexOf("{");
  try {
    if (start !== -1) return JSON.parse(text.slice(start)) as Stated;
  } catch {
    // ignores the error of parsing: the message is not JSON, but plain text that contains a brace
  }
  const [, kind = "", message = text] = /^([A-Z][A-Za-z ]*) Error: ([\s\S]*)$/.exec(text) ?? [];
  return { exception_type: kind, exception_message: message };
}

/** Returns the start of a message: the position, `log.sql:3:8: `, or the name of the database or table. */
function placed({ file, statement, added = 0, what }: SqlWork, position: string | undefined): string {
  if (!file) return `${what}: `;
  const at = position === undefined ? NaN : Number(position) - added;
  if (!statement || !(at >= 0)) return `${file.path}: `;
  const { line, column } = placeInFile(file.sql, statement, at);
  return `${file.path}:${line}:${column}: `;
}
