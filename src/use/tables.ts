// Opens tables of runs, resolves names of their fields, and names runs, for all commands that read tables.

import { openRun, type Run } from "../table/run-directory.js";
import { readWithAdded, rowsWithAdded } from "../table/added.js";
import { finiteRows, keyedRows, type KeyedRows, type TableRows } from "../table/rows.js";
import type { EmbeddingTable } from "../table/table.js";

export interface OpenTable {
  run: Run;
  table: EmbeddingTable;
  /** returns the field that a name denotes; `user` and `item` are roles of columns, unless fields have these names */
  fieldNamed: (name: string) => string;
}

export interface OpenRows extends Omit<OpenTable, "table"> {
  rows: TableRows;
}

/** Returns the name of a run's folder; the run's path if another run has a folder of the same name. */
export function nameAmong(paths: readonly string[], i: number): string {
  const folder = (path: string) => path.replace(/\/+$/, "").split("/").at(-1)!;
  const own = folder(paths[i]!);
  return paths.some((path, j) => j !== i && folder(path) === own) ? paths[i]! : own;
}

export async function openTable(path: string, name?: string): Promise<OpenTable> {
  const run = await openRun(path);
  const table = await readWithAdded(run, name);
  return { run, table, fieldNamed: fieldNaming(run, table.fields) };
}

/**
 * Calls `use` with the rows of a run's default table, or of the named one. The file is closed when `use` returns.
 *
 * @throws {ArtifactError} while iterating: a number is not finite
 */
export async function withOpenRows<T>(
  path: string,
  name: string | undefined,
  use: (opened: OpenRows) => Promise<T>,
): Promise<T> {
  const run = await openRun(path);
  const naming = async (rows: TableRows) =>
    await use({ run, rows: finiteRows(rows, path), fieldNamed: fieldNaming(run, rows.fields) });
  return await rowsWithAdded(run, name, naming);
}

/** A run and a table of it, of whose columns all but the vectors are in memory. */
export interface OpenKeyed extends OpenTable, KeyedRows {}

export async function withOpenKeyed<T>(
  path: string,
  name: string | undefined,
  use: (opened: OpenKeyed) => Promise<T>,
): Promise<T> {
  const keyed = async ({ rows, ...opened }: OpenRows) => await use({ ...opened, ...(await keyedRows(rows)) });
  return await withOpenRows(path, name, keyed);
}

function fieldNaming(run: Run, fields: readonly string[]): OpenTable["fieldNamed"] {
  const roles = run.manifest.roles as { user?: string; item?: string };
  return (field) => {
    if (fields.includes(field)) return field;
    return (field === "user" || field === "item" ? roles[field] : undefined) ?? field;
  };
}
