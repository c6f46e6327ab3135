// What the commands that read a run's table share: opening it, and naming its fields.

import { openRun, type Run } from "../embedding/run-directory.js";
import type { EmbeddingTable } from "../embedding/table.js";

export interface OpenTable {
  run: Run;
  table: EmbeddingTable;
  /** a field's name; `user` and `item` are the columns in these roles, unless a field is called so itself */
  fieldNamed: (name: string) => string;
}

/** Opens a run's table, or one of several by name. */
export async function openTable(path: string, name?: string): Promise<OpenTable> {
  const run = await openRun(path);
  const table = await run.readTable(name);
  const roles = run.manifest.roles as { user?: string; item?: string };
  const fieldNamed = (field: string): string => {
    if (table.fields.includes(field)) return field;
    return (field === "user" || field === "item" ? roles[field] : undefined) ?? field;
  };
  return { run, table, fieldNamed };
}
