// Removes keys from the files of a run's model: finds the keys' rows and features, and rewrites model/ without them.
//
//   preprocess.json                  test vectors with the key are removed, and the key is masked in expressions
//   key-history                      the entries of the keys' rows become unknown and zero
//   items, negatives                 entries of the items and users are removed, also from users' histories
//   other tensors of the model       according to the model: the rows of removed keys or features become zero

import { parsePreprocess, type Preprocess } from "../../../dataset/vocabulary/preprocess.js";
import type { Run } from "../../../table/run-directory.js";
import { readSafetensors, safetensorsChunks, type Tensor } from "../../../table/safetensors.js";
import type { EmbeddingTable } from "../../../table/table.js";
import { spaceOf, tableFeatures } from "../../examples/feature-table.js";
import { readItems, readNegatives } from "../../examples/item-file.js";
import { PREPROCESS_FILE } from "../run-space.js";
import type { TestVector } from "../../../dataset/test-vectors.js";
import { ascending } from "../../../base/numeric/indices.js";
import { keyAt, type Keys } from "../../../log/keys.js";
import { UNKNOWN } from "../../../table/key-history.js";

/** The rows that are removed from a run's default table. */
export interface LostRows {
  table: EmbeddingTable;
  /** numbers of the removed rows in ascending order, u32 */
  rows: Uint32Array;
}

/** The files of model/ after the removal of keys. */
export interface ForgottenFiles {
  /** changed content by file name in model/ */
  files: Map<string, Iterable<Uint8Array>>;
  /** names of the files that contain none of the keys, whether they changed or not */
  known: ReadonlySet<string>;
  dropped: number;
}

/** Removes keys from a run's model. */
export interface Forgetting {
  /** names of the tables whose rows belong to keys, so that rows of removed keys are removed */
  tables: readonly string[];
  /** whether the rows of a field are keys of the log, unlike those of binned or hashed fields */
  isVocabulary: (field: string) => boolean;
  /** Returns changed files. @param lost rows removed from the default table @throws {ArtifactError} damaged */
  files(keys: AskedKeys, lost: LostRows | undefined): Promise<ForgottenFiles>;
}

interface Places {
  /** u32: rows of the removed keys in the default table */
  rows: Uint32Array;
  /** map from the features of the keys to the out-of-vocabulary features of their fields */
  features: ReadonlyMap<number, number>;
  /** numbers of the removed keys' rows, counted within the user field and within the item field */
  users: number[];
  items: number[];
}

interface Job extends Places {
  keys: AskedKeys;
  preprocess: Preprocess;
}

/** Function that changes tensors in place. Returns the number of removed entries and whether anything changed. */
export type ForgetTensors = (tensors: Tensors, job: Job) => { dropped: number; changed: boolean };

/** Rules for the files of model/ that one kind of model writes in addition to the shared files. */
export interface OwnFiles {
  withoutKeys?: readonly string[];
  tensors?: Readonly<Record<string, ForgetTensors>>;
}

/** Returns a function that sets the rows of removed features to zero, in tensors with one row per feature. */
export const byFeature =
  (isOfFeatures: (name: string) => boolean): ForgetTensors =>
  (tensors, { features }) => {
    for (const [name, tensor] of tensors) if (isOfFeatures(name)) clearRows(tensor, features.keys());
    return { dropped: 0, changed: features.size > 0 };
  };

/** Prepares the removal of keys from a run with a feature space, or with only a table. @throws {ArtifactError} damaged */
export async function forgettingOf(
  run: Run,
  { withoutKeys = [], tensors = {} }: OwnFiles,
): Promise<Forgetting> {
  const { tables } = run;
  const names = Object.keys(run.manifest.files)
    .filter((file) => file.startsWith("model/"))
    .map((file) => file.slice("model/".length));
  if (!names.includes(PREPROCESS_FILE)) {
    const nothing: ForgottenFiles = { files: new Map(), known: new Set(withoutKeys), dropped: 0 };
    return { tables, isVocabulary: () => true, files: async () => await Promise.resolve(nothing) };
  }
  const bytes = await run.readModelFile(PREPROCESS_FILE);
  const preprocess = parsePreprocess(bytes, `${run.path}/model/${PREPROCESS_FILE}`);
  const isKey = (field: Preprocess["fields"][number]) =>
    field.kind === "key" ? !field.hash : field.kind === "multi";
  return {
    tables,
    isVocabulary: (name) => preprocess.fields.every((field) => field.name !== name || isKey(field)),
    files: async (keys, lost) => {
      const files: ForgottenFiles["files"] = new Map();
      const now = Buffer.from(`${JSON.stringify(preprocessWithout(preprocess, keys), undefined, 2)}\n`);
      if (!now.equals(bytes)) files.set(PREPROCESS_FILE, [now]);
      // reading the files of items and negatives validates them; the functions below rely on their structure
      await readItems(run, preprocess);
      if (preprocess.negatives) await readNegatives(run, preprocess);
      const job = { ...lostPlaces(preprocess, lost), keys, preprocess };
      const changes = { ...sharedFiles, ...tensors };
      let dropped = 0;
      for (const name of names.filter((name) => Object.hasOwn(changes, name))) {
        const own = readSafetensors(await run.readModelFile(name), name);
        const change = changes[name]!(own, job);
        dropped += change.dropped;
        if (change.changed) files.set(name, safetensorsChunks(own));
      }
      return { files, known: new Set([PREPROCESS_FILE, ...withoutKeys, ...Object.keys(changes)]), dropped };
    },
  };
}

function lostPlaces(preprocess: Preprocess, lost: LostRows | undefined): Places {
  if (!lost) return { rows: new Uint32Array(), features: new Map(), users: [], items: [] };
  const { rows, table } = lost;
  const space = spaceOf(preprocess, table);
  const features = tableFeatures(space);
  const outOfVocabulary = (feature: number): number =>
    space.offsets.findLast((offset, f) => f < space.fields.length && offset <= feature)!;
  const within = (column: string | undefined): number[] => {
    const field = preprocess.fields.find(({ name }) => name === column);
    if (!field) return [];
    return [...rows].map((row) => row - field.firstRow).filter((at) => at >= 0 && at < field.numRows);
  };
  return {
    rows,
    features: new Map(Array.from(rows, (row) => [features[row]!, outOfVocabulary(features[row]!)])),
    users: within(preprocess.roles.user),
    items: within(preprocess.roles.item),
  };
}

const catalogue: ForgetTensors = (tensors, { keys, preprocess: { roles }, features }) => {
  const of = (column: string | undefined) =>
    (column === undefined ? undefined : keys.get(column)) ?? new Set<string>();
  return dropEntries(tensors, { items: of(roles.item), users: of(roles.user), features });
};

const history: ForgetTensors = (tensors, { rows }) => {
  clearHistory(tensors, rows);
  return { dropped: 0, changed: rows.length > 0 };
};

const sharedFiles: Readonly<Record<string, ForgetTensors>> = {
  "key-history.safetensors": history,
  "items.safetensors": catalogue,
  "negatives.safetensors": catalogue,
};

/** Keys to remove, by field. A field is a column's name, or `user` or `item` for the column with that role. */
export type AskedKeys = ReadonlyMap<string, ReadonlySet<string>>;

/** Returns the distinct keys of all fields. */
export function allKeys(asked: AskedKeys): string[] {
  return [...new Set([...asked.values()].flatMap((keys) => [...keys]))];
}

const INSTEAD = "(forgotten)";

/** Returns the preprocess.json of any model without the keys. */
export function preprocessWithout<
  T extends Pick<Preprocess, "drop" | "where" | "roles"> & Partial<Pick<Preprocess, "testVectors">>,
>(preprocess: T, keys: AskedKeys): T {
  const { drop, where, testVectors } = preprocess;
  const plain = (text: string): string => expressionWithout(text, allKeys(keys));
  return {
    ...preprocess,
    drop: mapTexts(drop, plain),
    ...(where && { where: mapTexts(where, plain) }),
    ...(testVectors && { testVectors: vectorsWithout(testVectors, keys, preprocess.roles.multi) }),
  };
}

function vectorsWithout(
  vectors: readonly TestVector[],
  keys: AskedKeys,
  multi: Readonly<Record<string, string>>,
): TestVector[] {
  const valuesInCell = (column: string, cell: string): string[] => {
    const separator = Object.hasOwn(multi, column) ? multi[column] : undefined;
    if (separator === undefined) return [cell];
    // a key in a multi-valued cell may be followed by its weight, as in tea:0.5
    return cell.split(separator).flatMap((value) => [value, value.slice(0, value.lastIndexOf(":"))]);
  };
  return vectors.filter(({ cells }) =>
    Object.entries(cells).every(
      ([column, cell]) => !valuesInCell(column, cell).some((value) => keys.get(column)?.has(value)),
    ),
  );
}

/** Masks keys in an expression of --where or --drop that are quoted or follow `^=`. */
export function expressionWithout(text: string, keys: readonly string[]): string {
  return keys.reduce((rest, key) => {
    const [single, double] = [`'${key.replaceAll("'", "''")}'`, `"${key.replaceAll('"', '""')}"`];
    const quoted = rest.replaceAll(single, `'${INSTEAD}'`).replaceAll(double, `"${INSTEAD}"`);
    return quoted.endsWith(`^=${key}`) ? `${quoted.slice(0, -key.length)}${INSTEAD}` : quoted;
  }, text);
}

/** Masks keys that occur in a sentence as whole words. */
export function sentenceWithout(text: string, keys: readonly string[]): string {
  return keys.reduce((rest, key) => rest.replaceAll(wordOf(key), INSTEAD), text);
}

/** Whether the bytes contain one of the keys as a whole word, and not only within a longer word. */
export function holdsWord(bytes: Uint8Array, keys: readonly string[]): boolean {
  const text = Buffer.from(bytes).toString("utf8");
  return keys.some((key) => text.includes(key) && wordOf(key).test(text));
}

function wordOf(key: string): RegExp {
  const literal = key.replaceAll(/[$()*+./?[\\\]^{|}]/g, "\\$&");
  return new RegExp(`(?<![\\p{L}\\p{N}_-])${literal}(?![\\p{L}\\p{N}_-])`, "gu");
}

/** Applies `change` to every string in a JSON value. */
export function mapTexts<T>(value: T, change: (text: string) => string): T {
  if (typeof value === "string") return change(value) as T;
  if (Array.isArray(value)) return value.map((each: unknown) => mapTexts(each, change)) as T;
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, mapTexts(each, change)])) as T;
}

type Tensors = Map<string, Tensor>;

/** Sets rows of a tensor to zero, in place. */
export function clearRows({ shape, data }: Tensor, rows: Iterable<number>): void {
  const numRows = shape[0] ?? 0;
  const width = numRows === 0 ? 0 : data.length / numRows;
  for (const row of rows) {
    const [from, to] = [row * width, (row + 1) * width];
    if (Object.prototype.toString.call(data) === "[object BigInt64Array]")
      (data as BigInt64Array).fill(0n, from, to);
    else (data as Float32Array).fill(0, from, to);
  }
}

/** Clears rows of model/key-history.safetensors, so that the time when their keys were last seen is unknown. */
export function clearHistory(tensors: Tensors, rows: Uint32Array): void {
  const [lastSeen, missed] = [tensors.get("lastSeen"), tensors.get("missed")];
  for (const row of rows) if (lastSeen) (lastSeen.data as BigInt64Array)[row] = UNKNOWN;
  if (missed) clearRows(missed, rows);
}

interface GoneEntries {
  items: ReadonlySet<string>;
  users: ReadonlySet<string>;
  /** map from the features of removed keys to the out-of-vocabulary features that replace them */
  features: ReadonlyMap<number, number>;
}

/**
 * Removes items and users from the tensors of items.safetensors or negatives.safetensors (see item-file.ts), in place.
 * The features of removed items are removed, too, and so are their occurrences in the histories of the remaining users.
 *
 * @returns the number of removed entries, and whether anything changed
 */
function dropEntries(tensors: Tensors, gone: GoneEntries): { dropped: number; changed: boolean } {
  const items = entriesToKeep(tensors, "items", gone.items);
  const users = entriesToKeep(tensors, "users", gone.users);
  const changed = ["templates", "fromNeighbors"]
    .map((name) => replaceFeatures(tensors.get(`${name}.ids`), gone.features))
    .includes(true);
  const dropped = items.dropped + users.dropped;
  if (dropped === 0) return { dropped, changed };

  const { kept } = items;
  takeRows(tensors, "templates.ids", kept, "templates.indptr", ["templates.values"]);
  if (tensors.has("fromNeighbors.ids"))
    takeRows(tensors, "fromNeighbors.ids", kept, "fromNeighbors.indptr", ["fromNeighbors.values"]);
  take(tensors, "items.counts", kept);
  takeKeys(tensors, "items", kept);
  if (tensors.has("history.indptr")) {
    // histories refer to items by number; after the removal, the remaining items have other numbers
    const numberOf = new Map(Array.from(kept, (old, now) => [old, now]));
    takeHistory(tensors, users.kept, numberOf);
    takeKeys(tensors, "users", users.kept);
  }
  return { dropped, changed: true };
}

/** Returns u32: the positions of the keys of a list that remain after a removal. */
function entriesToKeep(
  tensors: Tensors,
  name: string,
  gone: ReadonlySet<string>,
): { kept: Uint32Array; dropped: number } {
  const keys = keysFrom(tensors, name);
  const all = ascending(keys?.size ?? 0);
  const kept = keys ? all.filter((i) => !gone.has(keyAt(keys, i))) : all;
  return { kept, dropped: all.length - kept.length };
}

function keysFrom(tensors: Tensors, name: string): Keys | undefined {
  const [bytes, offsets] = [tensors.get(`${name}.bytes`), tensors.get(`${name}.offsets`)];
  if (!bytes || !offsets) return undefined;
  const data = offsets.data as Uint32Array;
  return { size: data.length - 1, bytes: bytes.data as Uint8Array, offsets: data };
}

function takeKeys(tensors: Tensors, name: string, kept: Uint32Array): void {
  const { bytes, offsets } = keysFrom(tensors, name)!;
  const parts = Array.from(kept, (i) => bytes.subarray(offsets[i], offsets[i + 1]));
  const ends = new Uint32Array(kept.length + 1);
  parts.forEach((part, i) => (ends[i + 1] = ends[i]! + part.length));
  put(tensors, `${name}.bytes`, new Uint8Array(Buffer.concat(parts)));
  put(tensors, `${name}.offsets`, ends);
}

/** Selects rows of an array that is ragged (`indptr`) or has rows of equal width, and of the arrays in `beside`. */
function takeRows(
  tensors: Tensors,
  name: string,
  kept: Uint32Array,
  indptr: string,
  beside: readonly string[],
): void {
  const starts = tensors.get(indptr)?.data as Uint32Array | undefined;
  const ids = tensors.get(name)?.data as Uint32Array;
  const numRows = starts ? starts.length - 1 : tensors.get("items.offsets")!.data.length - 1;
  const width = numRows === 0 ? 0 : ids.length / numRows;
  const [from, to] = starts
    ? [(row: number) => starts[row]!, (row: number) => starts[row + 1]!]
    : [(row: number) => row * width, (row: number) => (row + 1) * width];
  const elements = Uint32Array.from(
    Array.from(kept).flatMap((row) => Array.from({ length: to(row) - from(row) }, (_, i) => from(row) + i)),
  );
  if (starts) {
    const ends = new Uint32Array(kept.length + 1);
    kept.forEach((row, i) => (ends[i + 1] = ends[i]! + to(row) - from(row)));
    put(tensors, indptr, ends);
  }
  for (const each of [name, ...beside]) if (tensors.has(each)) take(tensors, each, elements);
}

function takeHistory(tensors: Tensors, users: Uint32Array, numberOf: ReadonlyMap<number, number>): void {
  const indptr = tensors.get("history.indptr")!.data as Uint32Array;
  const items = tensors.get("history.items")!.data as Uint32Array;
  const had: number[] = [];
  const ends = new Uint32Array(users.length + 1);
  users.forEach((user, i) => {
    for (const item of items.subarray(indptr[user], indptr[user + 1])) {
      const now = numberOf.get(item);
      if (now !== undefined) had.push(now);
    }
    ends[i + 1] = had.length;
  });
  put(tensors, "history.indptr", ends);
  put(tensors, "history.items", Uint32Array.from(had));
}

function take(tensors: Tensors, name: string, elements: Uint32Array): void {
  const data = tensors.get(name)!.data as Uint32Array;
  const taken = data.slice(0, elements.length);
  elements.forEach((from, to) => (taken[to] = data[from]!));
  put(tensors, name, taken);
}

function put(tensors: Tensors, name: string, data: Tensor["data"]): void {
  tensors.set(name, { shape: [data.length], data });
}

function replaceFeatures(ids: Tensor | undefined, features: ReadonlyMap<number, number>): boolean {
  let changed = false;
  const data = ids?.data as Uint32Array | undefined;
  data?.forEach((feature, i) => {
    const instead = features.get(feature);
    if (instead === undefined) return;
    data[i] = instead;
    changed = true;
  });
  return changed;
}
