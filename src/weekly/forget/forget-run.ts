// Removes keys from one run: determines what changes, and writes it with the unchanged files.

import { join } from "node:path";
import { arrowChunks } from "../../table/arrow.js";
import { wholeFields } from "../../table/rows.js";
import { RUN_MARKER, type Manifest } from "../../table/manifest.js";
import { DEFAULT_TABLE, tableFile, type Run } from "../../table/run-directory.js";
import { capable } from "../../trainers/index.js";
import {
  type Forgetting,
  type LostRows,
  allKeys,
  type AskedKeys,
  expressionWithout,
  mapTexts,
  sentenceWithout,
  holdsWord,
} from "../../training/capabilities/forgetting/forgetting.js";
import { checkArtifact } from "../../base/io/read-artifact.js";
import { placeFile, entriesOf } from "../../base/io/tree.js";
import { writeChunks } from "../../base/io/write.js";
import { ArtifactError, NoInputError, UsageError } from "../../base/errors.js";
import { keyAt, keyInCase } from "../../log/keys.js";
import { keyCaseOf } from "../../training/capabilities/run-space.js";
import { isHole, rowsOf, type EmbeddingTable } from "../../table/table.js";
import { columnNamed, type Dataset } from "../../dataset/dataset.js";
import { isEncodedDataset, readEncoded } from "../../dataset/encoded/read.js";
import { readText } from "../../base/io/read-text.js";

interface NamedRoles {
  user?: string;
  item?: string;
}

/** Splits at the first colon. @throws {UsageError} no field or no key, or no text at all */
export function parseKeys(texts: readonly string[]): AskedKeys {
  const asked = new Map<string, Set<string>>();
  for (const text of texts) {
    const colon = text.indexOf(":");
    const [field, key] = [text.slice(0, colon), text.slice(colon + 1)];
    if (colon < 1 || key === "") throw new UsageError(`expected FIELD:KEY, such as user:u019, got '${text}'`);
    asked.set(field, (asked.get(field) ?? new Set()).add(key));
  }
  if (asked.size === 0)
    throw new UsageError("no key to forget: name keys as FIELD:KEY, or a file of keys with --keys");
  return asked;
}

/** One FIELD:KEY per line; empty lines are skipped. @throws {NoInputError} the file cannot be read */
export async function keyLines(path: string): Promise<string[]> {
  let text: string;
  try {
    text = await readText(path);
  } catch (error) {
    throw new NoInputError(`the file of keys '${path}' cannot be read`, { cause: error });
  }
  return text.split(/\r?\n/).filter((line) => line !== "");
}

/** `user` and `item` denote the columns in these roles, unless a field has this name. */
function columnCalled(name: string, roles: NamedRoles, fields: readonly string[]): string {
  const role = fields.includes(name) || (name !== "user" && name !== "item") ? undefined : roles[name];
  return role ?? name;
}

function keysByColumn(asked: AskedKeys, roles: NamedRoles, fields: readonly string[]): AskedKeys {
  const byColumn = new Map<string, Set<string>>();
  for (const [name, keys] of asked) {
    const column = columnCalled(name, roles, fields);
    byColumn.set(column, new Set([...(byColumn.get(column) ?? []), ...keys]));
  }
  return byColumn;
}

export function fieldKeyTexts(asked: AskedKeys): string[] {
  return [...asked].flatMap(([field, keys]) => [...keys].map((key) => `${field}:${key}`));
}

export interface Rewriting {
  files: NewFiles;
  manifest: Omit<Manifest, "files">;
  /** number of rows that are removed from tables, plus the number of entries that are removed from lists */
  dropped: number;
  /** the keys to forget, by the name of their column in the run */
  keys: AskedKeys;
}

/** Undefined if the run contains none of the keys. @throws {ArtifactError} damaged, or a file cannot be rewritten */
export async function rewritingOf(run: Run, asked: AskedKeys): Promise<Rewriting | undefined> {
  const files: NewFiles = new Map();
  const roles = (run.manifest.roles ?? {}) as { user?: string; item?: string; fields?: string[] };
  let keys = keysByColumn(asked, roles, roles.fields ?? []);
  let dropped = 0;
  let lost: LostRows | undefined;
  const forgetting = await forgettingIn(run);
  for (const name of forgetting.tables) {
    const table = await run.readTable(name);
    keys = keysByColumn(asked, roles, table.fields);
    const found = withHoles(table, keys, forgetting.isVocabulary);
    if (!found) continue;
    dropped += found.rows.length;
    files.set(tableFile(name), arrowChunks(wholeFields(found.table)));
    if (name === DEFAULT_TABLE) lost = { table, rows: found.rows };
  }
  const model = await forgetInModel(run, forgetting, keys, lost);
  for (const [file, chunks] of model.files) files.set(file, chunks);
  dropped += model.dropped;

  const { files: _, ...before } = run.manifest;
  const reported = manifestWithout(before, allKeys(keys));
  if (files.size === 0 && !namesKey(before, allKeys(keys))) return undefined;
  return { files, manifest: { ...reported, forgotten: (before.forgotten ?? 0) + dropped }, dropped, keys };
}

/** @throws {UsageError} the kind of model forgets no keys @throws {ArtifactError} damaged */
async function forgettingIn(run: Run): Promise<Forgetting> {
  return await (
    await capable(run, "forgetting", "forgets no key")
  )(run);
}

/** Keys without quotes are ignored, because a number such as 7 may also occur in a sentence. */
function namesKey(
  { options, asked, steps, warnings }: Omit<Manifest, "files">,
  keys: readonly string[],
): boolean {
  const texts = { options, asked, steps, warnings };
  const without = mapTexts(texts, (text) => expressionWithout(text, keys));
  return JSON.stringify(without) !== JSON.stringify(texts);
}

function manifestWithout(
  manifest: Omit<Manifest, "files">,
  keys: readonly string[],
): Omit<Manifest, "files"> {
  const plain = (text: string): string => expressionWithout(text, keys);
  const { options, asked, steps, warnings } = manifest;
  return {
    ...manifest,
    options: mapTexts(options, plain),
    ...(asked && { asked: mapTexts(asked, plain) }),
    ...(steps && { steps: mapTexts(steps, plain) }),
    warnings: warnings.map((warning) => sentenceWithout(warning, keys)),
  };
}

/** Writes the manifest last. @returns the manifest */
export async function writeRewritten(
  dir: string,
  run: Run,
  { files, manifest }: Rewriting,
  signal: AbortSignal,
): Promise<Manifest> {
  const written: Manifest["files"] = {};
  for (const [file, stated] of Object.entries(run.manifest.files)) {
    signal.throwIfAborted();
    const chunks = files.get(file);
    if (chunks) written[file] = await writeChunks(join(dir, file), chunks, signal);
    else {
      await placeFile(join(run.root, file), join(dir, file));
      await checkArtifact(join(dir, file), stated);
      written[file] = stated;
    }
  }
  const whole: Manifest = { ...manifest, files: written };
  await writeChunks(join(dir, RUN_MARKER), [Buffer.from(`${JSON.stringify(whole, undefined, 2)}\n`)], signal);
  return whole;
}

/** New content of files, by path within the run. */
type NewFiles = Map<string, Iterable<Uint8Array> | AsyncIterable<Uint8Array>>;

/**
 * Returns the new content of the files in model/.
 *
 * @param keys by column
 * @param lost removed rows of the default table
 * @returns new files, and the number of keys removed from lists beside the table
 * @throws {ArtifactError} damaged, or a file of a kind that this program cannot rewrite contains one of the keys
 */
async function forgetInModel(
  run: Run,
  forgetting: Forgetting,
  keys: AskedKeys,
  lost: LostRows | undefined,
): Promise<{ files: NewFiles; dropped: number }> {
  const { files, known, dropped } = await forgetting.files(keys, lost);
  for (const path of Object.keys(run.manifest.files)) {
    const name = path.startsWith("model/") ? path.slice("model/".length) : undefined;
    if (name === undefined || known.has(name)) continue;
    if (!holdsWord(await run.readModelFile(name), allKeys(keys))) continue;
    throw new ArtifactError(
      `'${path}' of run '${run.path}' contains a key to forget, but this version cannot rewrite it: remove ` +
        "the run, and train it again without the key",
    );
  }
  return { files: new Map([...files].map(([name, chunks]) => [`model/${name}`, chunks])), dropped };
}

/**
 * Returns the table without some keys: their rows stay as empty rows, without key, events, weight and vector, so that
 * no row number changes. Also returns these rows: u32, ascending. Undefined if the table contains none of the keys.
 */
function withHoles(
  table: EmbeddingTable,
  keys: AskedKeys,
  isVocabulary: (field: string) => boolean,
): { table: EmbeddingTable; rows: Uint32Array } | undefined {
  const rows: number[] = [];
  for (const [field, gone] of keys) {
    if (!table.fields.includes(field) || !isVocabulary(field)) continue;
    const { first, last } = rowsOf(table, field);
    for (let row = first; row < last; row++) {
      if (!isHole(table, row) && gone.has(keyAt(table.keys, row))) rows.push(row);
    }
  }
  if (rows.length === 0) return undefined;
  rows.sort((a, b) => a - b);
  return { table: emptied(table, rows), rows: Uint32Array.from(rows) };
}

function emptied(table: EmbeddingTable, rows: readonly number[]): EmbeddingTable {
  const { dim, numRows } = table;
  const isGone = new Uint8Array(numRows);
  for (const row of rows) isGone[row] = 1;
  const offsets = new Uint32Array(numRows + 1);
  const kept: Uint8Array[] = [];
  for (let row = 0; row < numRows; row++) {
    const [start, end] = [table.keys.offsets[row]!, table.keys.offsets[row + 1]!];
    const length = isGone[row] ? 0 : end - start;
    if (length > 0) kept.push(table.keys.bytes.subarray(start, end));
    offsets[row + 1] = offsets[row]! + length;
  }
  const counts = table.counts.slice();
  const weights = table.weights?.slice();
  const vectors = table.vectors.slice();
  for (const row of rows) {
    counts[row] = 0;
    if (weights) weights[row] = 0;
    vectors.fill(0, row * dim, (row + 1) * dim);
  }
  const keys = { size: numRows, bytes: new Uint8Array(Buffer.concat(kept)), offsets };
  return { ...table, keys, counts, vectors, ...(weights && { weights }) };
}

// Finds which of the keys to forget occur in a run, or in a dataset among the step outputs of a pipeline. A key that
// occurs nowhere is not forgotten: a number such as 7 occurs as a word in many unrelated texts and files.

/** Returns keys as FIELD:KEY. @throws {ArtifactError} as rewritingOf */
export async function heldByRun(run: Run, asked: AskedKeys): Promise<string[]> {
  return await heldInCase(asked, keyCaseOf(run), async (keys) => await heldAsWritten(run, keys));
}

/** Looks for keys as written and in the case of --key-case. A key is found if one of the two is; returns both then. */
async function heldInCase(
  asked: AskedKeys,
  inCase: (key: string) => string,
  find: (keys: AskedKeys) => Promise<string[]>,
): Promise<string[]> {
  const forms = [...asked].map(
    ([field, keys]) => [field, new Set([...keys].flatMap((key) => [key, inCase(key)]))] as const,
  );
  const held = new Set(await find(new Map(forms)));
  for (const [field, keys] of asked)
    for (const key of keys) if (held.has(`${field}:${inCase(key)}`)) held.add(`${field}:${key}`);
  return [...held];
}

async function heldAsWritten(run: Run, asked: AskedKeys): Promise<string[]> {
  const roles = (run.manifest.roles ?? {}) as { user?: string; item?: string; fields?: string[] };
  const held = new Set<string>();
  const { tables, isVocabulary } = await forgettingIn(run);
  for (const name of tables) {
    const table = await run.readKeys(name);
    for (const [field, keys] of asked) {
      const column = columnCalled(field, roles, table.fields);
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

/** Returns keys, as FIELD:KEY, in encoded datasets among a pipeline's step outputs. @throws {ArtifactError} damaged */
export async function heldByDatasets(folder: string, asked: AskedKeys): Promise<string[]> {
  const held = new Set<string>();
  for (const { name, kind } of await entriesOf(folder)) {
    const path = join(folder, name);
    if (kind !== "directory" || !(await isEncodedDataset(path))) continue;
    // reads no rows into memory, because only the dictionaries are needed
    const { dataset, description } = await readEncoded(path, 0);
    const inCase = (key: string) => keyInCase(key, description.options.reading.keyCase);
    const found = await heldInCase(asked, inCase, (keys) => Promise.resolve(heldByDataset(dataset, keys)));
    for (const text of found) held.add(text);
  }
  return [...held];
}

function heldByDataset(dataset: Dataset, asked: AskedKeys): string[] {
  const held = new Set<string>();
  for (const [field, keys] of asked) {
    const names = dataset.columns.map((column) => column.name);
    const name = columnCalled(field, dataset.roles, names);
    const column = names.includes(name) ? columnNamed(dataset, name) : undefined;
    if (!column || column.kind === "number") continue;
    const { dictionary } = column;
    for (let code = 0; code < dictionary.size; code++) {
      const key = keyAt(dictionary, code);
      if (keys.has(key)) held.add(`${field}:${key}`);
    }
  }
  return [...held];
}
