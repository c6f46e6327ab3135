// The address of an embedded database (--engine): duckdb:PATH for a file, or duckdb: for a database in memory.

import { UsageError } from "../../errors.js";

const SCHEME = /^duckdb:/i;

/** Whether an address of --engine names DuckDB. */
export function isDuckDbAddress(address: string): boolean {
  return SCHEME.test(address);
}

/** Returns the path of the database file; undefined for a database in memory. @throws {UsageError} it is a URL */
export function databasePath(address: string): string | undefined {
  const path = address.replace(SCHEME, "");
  if (path.startsWith("//") || /^[a-z][a-z0-9+.-]+:/i.test(path))
    throw new UsageError(
      `--engine: expected duckdb:PATH, such as duckdb:shop.duckdb, or duckdb: for a database in memory, got ` +
        `'${address}': attach other databases in the query's file, ATTACH '...' AS shop (READ_ONLY);`,
    );
  return path === "" || path === ":memory:" ? undefined : path;
}
