// Removes keys from the files of a run's model: finds the keys' rows and features, and rewrites model/ without them.
//
//   preprocess.json                  test vectors with the key are removed, and the key is masked in expressions
//   key-history                      the entries of the keys' rows become unknown and zero
//   items, negatives                 entries of the items and users are removed, also from users' histories
//   other tensors of the model       according to the model: the rows of removed keys or features become zero

import { type Preprocess, parsePreprocess } from "../../../dataset/vocabulary/preprocess.js";
import type { Run } from "../../../embedding/run-directory.js";
import { readSafetensors, safetensorsChunks } from "../../../embedding/safetensors.js";
import type { EmbeddingTable } from "../../../embedding/table.js";
import { spaceOf, tableFeatures } from "../../examples/feature-table.js";
import { readItems, readNegatives } from "../../examples/item-file.js";
import { PREPROCESS_FILE } from "../run-space.js";
import { clearHistory, clearRows, dropEntries, type Tensors } from "./tensors.js";
import type { TestVector } from "../../../dataset/test-vectors.js";

/** The rows that are removed from a run's default table. */
export interface LostRows {
  /** the default table before the rows are removed */
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
  /** total number of entries that were removed from lists of items and users */
  dropped: number;
}

/** Removes keys from a run's model. */
export interface Forgetting {
  /** names of the tables whose rows belong to keys, so that rows of removed keys are removed */
  tables: readonly string[];
  /** whether the rows of a field are keys of the log, unlike those of binned or hashed fields */
  isVocabulary: (field: string) => boolean;
  /**
   * Returns the files of model/ that change when keys are removed, with their new content.
   *
   * @param keys keys to remove, by column
   * @param lost rows that are removed from the default table
   * @throws {ArtifactError} damaged
   */
  files(keys: AskedKeys, lost: LostRows | undefined): Promise<ForgottenFiles>;
}

/** Positions of the removed keys in tables and tensors. */
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
  /** names of files that never contain a key */
  withoutKeys?: readonly string[];
  /** functions that change the tensors of a file, by file name */
  tensors?: Readonly<Record<string, ForgetTensors>>;
}

/** Returns a function that sets the rows of removed features to zero, in tensors with one row per feature. */
export const byFeature =
  (isOfFeatures: (name: string) => boolean): ForgetTensors =>
  (tensors, { features }) => {
    for (const [name, tensor] of tensors) if (isOfFeatures(name)) clearRows(tensor, features.keys());
    return { dropped: 0, changed: features.size > 0 };
  };

/**
 * Prepares the removal of keys from a run with a feature space, or from a run that contains only a table.
 *
 * @throws {ArtifactError} damaged
 */
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

/** Functions that change the files of model/ which every kind of training may write. */
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

/** Text that replaces a key in expressions and sentences. */
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

/** Removes the test vectors (encoded example rows) that contain one of the keys. @param keys keys by column */
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
