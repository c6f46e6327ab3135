// Describes the rows of a table, a query or Parquet files as JSON lines that Spark writes, for programs on its executors.
// A cell has the text that it has in a local Parquet file (docs/formats.md, typed cells).

import { NoInputError, UsageError } from "../../base/errors.js";
import type { EngineReading } from "../log.js";
import { sqlOfSelect } from "./open.js";
import { quotedColumn, queryOf } from "./plans.js";
import type { EngineSession, SparkType } from "./session.js";

/** A log on the server: its name in messages, and the SQL relation of its rows. */
export interface ServerLog {
  name: string;
  from: string;
}

/**
 * Returns the log that the arguments name.
 *
 * @param named one `table:NAME` or paths of Parquet files on the server's side; none with a query
 * @throws {NoInputError} nothing is named @throws {UsageError} a name cannot be read by executors
 */
export async function serverLog(named: readonly string[], { sql }: EngineReading): Promise<ServerLog> {
  if (sql !== undefined && named.length > 0)
    throw new UsageError(`--engine-sql names the rows to read: omit ${named.join(", ")}`);
  if (sql !== undefined) return { name: `sql:${sql}`, from: `(${await sqlOfSelect(sql)}\n)` };
  const [name] = named;
  if (name === undefined || named.length > 1)
    throw new NoInputError(
      `--engine-output needs one table:NAME, one path or pattern of Parquet files, or --engine-sql FILE; got ` +
        (named.length === 0 ? "none" : named.join(", ")),
    );
  const table = /^table:(.+)$/s.exec(name)?.[1];
  if (table !== undefined) return { name, from: `IDENTIFIER(${quotedText(table)})` };
  if (!/\.parquet\b|\/$/.test(name) || !/^[a-z][\w+.-]*:\/\//i.test(name))
    throw new UsageError(
      `'${name}': --engine-output reads Parquet files by a URI (s3a://.../*.parquet), a table (table:NAME) or a query ` +
        "(--engine-sql FILE)",
    );
  return { name, from: `parquet.${quotedColumn(name)}` };
}

/** Returns the SQL expression of a row as a JSON line. @throws {EmbedError} the server cannot read the log */
export async function jsonLine(session: EngineSession, { name, from }: ServerLog): Promise<string> {
  const columns = await session.columnsOf(queryOf(`SELECT * FROM ${from}`), `'${name}'`);
  const cells = columns.flatMap(({ name: column, type }) => {
    const cell = cellOf(quotedColumn(column), type);
    return cell === undefined ? [] : [`${cell} AS ${quotedColumn(column)}`];
  });
  return `to_json(struct(${cells.join(", ")}), map('ignoreNullFields', 'false'))`;
}

function cellOf(column: string, type: SparkType): string | undefined {
  const [kind = ""] = Object.keys(type);
  if (/^(string|char|varChar|byte|short|integer|long|boolean)$/.test(kind)) return column;
  if (kind === "float" || kind === "double") return `IF(isnan(${column}), NULL, ${column})`;
  if (kind === "decimal") return `CAST(${column} AS DOUBLE)`;
  if (kind === "date") return `CAST(${column} AS STRING)`;
  if (kind === "timestamp" || kind === "timestampNtz")
    return `date_format(${column}, ${quotedText("yyyy-MM-dd'T'HH:mm:ss.SSS'Z'")})`;
  if (kind !== "array") return undefined;
  const value = cellOf("x", (type["array"] as { elementType?: SparkType }).elementType ?? {});
  return value === undefined ? undefined : `transform(${column}, x -> ${value})`;
}

export function quotedText(text: string): string {
  return `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
}
