// Converts errors of DuckDB to error classes of this project; an error in SQL states the line and column in the file.

import { DataError, EmbedError, IoError, LockedError, NoInputError, UsageError } from "../../errors.js";
import { placeInFile, type SqlStatement } from "./statements.js";

/** The operation that failed, for messages: a statement of a SQL file, or another operation. */
export interface SqlWork {
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
export function duckDbFailure(error: unknown, doing: SqlWork): unknown {
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

/**
 * Returns the start of a message: the position in the SQL file, such as `log.sql:3:8: `, or the name of the database or
 * table.
 */
function placed({ file, statement, added = 0, what }: SqlWork, position: string | undefined): string {
  if (!file) return `${what}: `;
  const at = position === undefined ? NaN : Number(position) - added;
  if (!statement || !(at >= 0)) return `${file.path}: `;
  const { line, column } = placeInFile(file.sql, statement, at);
  return `${file.path}:${line}:${column}: `;
}
