// Removes keys from the files of a run's model: finds the keys' rows and features, and rewrites model/ without them.
//
//   preprocess.json                  test vectors with the key are removed, and the key is masked in expressions
//   key-history                      the entries of the keys' rows become unknown and zero
//   items, negatives                 entries of the items and users are removed, also from users' histories
//   other tensors of the model       by the model's own rule: the rows of the keys' rows or features become zero

import { type Preprocess, parsePreprocess } from "../../../dataset/vocabulary/preprocess.js";
import type { Run } from "../../../embedding/run-directory.js";
import { readSafetensors, safetensorsChunks } from "../../../embedding/safetensors.js";
import type { EmbeddingTable } from "../../../embedding/table.js";
import { spaceOf, tableFeatures } from "../../examples/feature-table.js";
import { readItems, readNegatives } from "../../examples/item-file.js";
import { PREPROCESS_FILE } from "../run-space.js";
import { clearHistory, clearRows, dropEntries, type Tensors } from "./tensors.js";
import type { TestVector } from "../../../dataset/test-vectors.js";

/** The rows that a run's default table loses. */
export interface LostRows {
  /** the table before the rows are removed */
  table: EmbeddingTable;
  /** u32, ascending */
  rows: Uint32Array;
}

/** The files of model/ without the keys. */
export interface ForgottenFiles {
  /** new content, by the file's name in model/ */
  files: Map<string, Iterable<Uint8Array>>;
  /** names of the files that are now known to hold none of the keys, whether they changed or not */
  known: ReadonlySet<string>;
  /** number of removed entries in lists beside the table */
  dropped: number;
}

/** Removes keys from a run's model. */
export interface Forgetting {
  /** names of the tables whose rows are keys */
  tables: readonly string[];
  /** whether a field's rows are keys of the log; the rows of binned or hashed fields are not */
  isVocabulary: (field: string) => boolean;
  /**
   * Returns the changed files of model/.
   * @param keys by column
   * @param lost rows removed from the default table
   * @throws {ArtifactError} damaged
   */
  files(keys: AskedKeys, lost: LostRows | undefined): Promise<ForgottenFiles>;
}

/** Positions of the removed keys. */
interface Places {
  /** u32: rows of the table */
  rows: Uint32Array;
  /** the keys' features, each with its field's out-of-vocabulary feature */
  features: ReadonlyMap<number, number>;
  /** the rows' positions within the user field and within the item field */
  users: number[];
  items: number[];
}

interface Job extends Places {
  keys: AskedKeys;
  preprocess: Preprocess;
}

/** Changes tensors in place; returns the number of removed entries and whether anything changed. */
export type ForgetTensors = (tensors: Tensors, job: Job) => { dropped: number; changed: boolean };

/** The files of model/ that one kind of model writes in addition to the shared ones. */
export interface OwnFiles {
  /** files that never hold a key */
  withoutKeys?: readonly string[];
  /** how the tensor files change, by the file's name */
  tensors?: Readonly<Record<string, ForgetTensors>>;
}

/** Returns a change that sets the rows of the keys' features to zero, in tensors with a row per feature. */
export const byFeature =
  (isOfFeatures: (name: string) => boolean): ForgetTensors =>
  (tensors, { features }) => {
    for (const [name, tensor] of tensors) if (isOfFeatures(name)) clearRows(tensor, features.keys());
    return { dropped: 0, changed: features.size > 0 };
  };

/**
 * Prepares the removal of keys from a run over features, or from a run that has only a table.
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
      // the usual readers validate both files, so the changes below can rely on their layout
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

/** Files of model/ that every kind of training may write. */
const sharedFiles: Readonly<Record<string, ForgetTensors>> = {
  "key-history.safetensors": history,
  "items.safetensors": catalogue,
  "negatives.safetensors": catalogue,
};

/** Keys by field. A field is a column's name or, if the user asked so, `user` or `item` for the column in that role. */
export type AskedKeys = ReadonlyMap<string, ReadonlySet<string>>;

/** Returns the keys of all fields, each once. */
export function allKeys(asked: AskedKeys): string[] {
  return [...new Set([...asked.values()].flatMap((keys) => [...keys]))];
}

/** Replaces a key in expressions and sentences. */
const INSTEAD = "(forgotten)";

/** Returns a preprocess.json, of any model, without the keys. */
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

/** Removes the test vectors that hold one of the keys. @param keys by column */
function vectorsWithout(
  vectors: readonly TestVector[],
  keys: AskedKeys,
  multi: Readonly<Record<string, string>>,
): TestVector[] {
  const valuesInCell = (column: string, cell: string): string[] => {
    const separator = Object.hasOwn(multi, column) ? multi[column] : undefined;
    if (separator === undefined) return [cell];
    // a value may carry a number, as in tea:0.5
    return cell.split(separator).flatMap((value) => [value, value.slice(0, value.lastIndexOf(":"))]);
  };
  return vectors.filter(({ cells }) =>
    Object.entries(cells).every(
      ([column, cell]) => !valuesInCell(column, cell).some((value) => keys.get(column)?.has(value)),
    ),
  );
}

/** Masks keys in an expression of --where or --drop, where they stand in quotes or after `^=`. */
export function expressionWithout(text: string, keys: readonly string[]): string {
  return keys.reduce((rest, key) => {
    const [single, double] = [`'${key.replaceAll("'", "''")}'`, `"${key.replaceAll('"', '""')}"`];
    const quoted = rest.replaceAll(single, `'${INSTEAD}'`).replaceAll(double, `"${INSTEAD}"`);
    return quoted.endsWith(`^=${key}`) ? `${quoted.slice(0, -key.length)}${INSTEAD}` : quoted;
  }, text);
}

/** Masks keys that stand in a sentence as words. */
export function sentenceWithout(text: string, keys: readonly string[]): string {
  return keys.reduce((rest, key) => rest.replaceAll(wordOf(key), INSTEAD), text);
}

/** Tells whether bytes contain one of the keys as a whole word, not within a longer one. */
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
