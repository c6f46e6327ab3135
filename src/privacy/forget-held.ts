// Finds which of the keys to forget occur in a run, or in a dataset among the step outputs of a pipeline. A key that
// occurs nowhere is not forgotten: a number such as 7 occurs as a word in many unrelated texts and files.

import { keyAt } from "../log/keys.js";
import { join } from "node:path";
import { columnNamed } from "../dataset/dataset.js";
import { isEncodedDataset, readEncoded } from "../dataset/encoded/read.js";
import { isHole, rowsOf, type EmbeddingTable } from "../embedding/table.js";
import type { Run } from "../embedding/run-directory.js";
import { entriesOf } from "../io/tree.js";
import type { AskedKeys } from "../training/capabilities/forgetting/forgetting.js";
import { forgettingIn, rewritingOf } from "./forget-run.js";
import { keysByColumn, parseKeys, fieldKeyTexts } from "./forgotten-keys.js";

/** Returns the keys, as FIELD:KEY, that a run contains. @throws {ArtifactError} as rewritingOf */
export async function heldByRun(run: Run, asked: AskedKeys): Promise<string[]> {
  const roles = (run.manifest.roles ?? {}) as { user?: string; item?: string; fields?: string[] };
  const held = new Set<string>();
  const { tables, isVocabulary } = await forgettingIn(run);
  for (const name of tables) {
    const table = await run.readKeys(name);
    for (const [field, keys] of asked) {
      const column = [...keysByColumn(new Map([[field, keys]]), roles, table.fields).keys()][0]!;
      if (!table.fields.includes(column) || !isVocabulary(column)) continue;
      for (const key of keysInTable(table, column, keys)) held.add(`${field}:${key}`);
    }
  }
  const rest = fieldKeyTexts(asked).filter((text) => !held.has(text));
  // checks first whether any other key occurs, then each: most keys that are not in a table occur nowhere in the run
  if (rest.length === 0 || !(await rewritingOf(run, parseKeys(rest)))) return [...held];
  for (const text of rest) if (await rewritingOf(run, parseKeys([text]))) held.add(text);
  return [...held];
}

function* keysInTable(table: EmbeddingTable, column: string, keys: ReadonlySet<string>): Generator<string> {
  const { first, last } = rowsOf(table, column);
  for (let row = first; row < last; row++) {
    if (isHole(table, row)) continue;
    const key = keyAt(table.keys, row);
    if (keys.has(key)) yield key;
  }
}

/**
 * Returns the keys, as FIELD:KEY, that the encoded datasets among a pipeline's step outputs contain. @throws
 * {ArtifactError} damaged
 */
export async function heldByDatasets(folder: string, asked: AskedKeys): Promise<string[]> {
  const held = new Set<string>();
  for (const { name, kind } of await entriesOf(folder)) {
    const path = join(folder, name);
    if (kind !== "directory" || !(await isEncodedDataset(path))) continue;
    // reads no rows into memory, because only the dictionaries are needed
    const { dataset } = await readEncoded(path, 0);
    for (const [field, keys] of asked) {
      const { user, item } = dataset.roles;
      const roles = { user, item };
      const names = dataset.columns.map((column) => column.name);
      const name = [...keysByColumn(new Map([[field, keys]]), roles, names).keys()][0]!;
      const column = names.includes(name) ? columnNamed(dataset, name) : undefined;
      if (!column || column.kind === "number") continue;
      const { dictionary } = column;
      for (let code = 0; code < dictionary.size; code++) {
        const key = keyAt(dictionary, code);
        if (keys.has(key)) held.add(`${field}:${key}`);
      }
    }
  }
  return [...held];
}
