// What a kind of model knows of the keys in a run of it: which rows are theirs, and what model/ is without some.
//
//   preprocess.json                  made-up rows with the key go, and the key in expressions
//   key-history                      what stands for the key's row becomes zero
//   items, negatives                 the entries of items and users go, and items out of what users have
//   tensors of the model's           as it says: what stands for the key's row or feature becomes zero

import { type Preprocess, parsePreprocess } from "../../../dataset/vocabulary/preprocess.js";
import type { Run } from "../../../embedding/run-directory.js";
import { readSafetensors, safetensorsChunks } from "../../../embedding/safetensors.js";
import type { EmbeddingTable } from "../../../embedding/table.js";
import { spaceOf, tableFeatures } from "../../examples/feature-table.js";
import { readItems, readNegatives } from "../../examples/item-file.js";
import { PREPROCESS_FILE } from "../run-space.js";
import { clearHistory, clearRows, dropEntries, type Tensors } from "./tensors.js";
import type { TestVector } from "../../../dataset/test-vectors.js";

/** What a run's default table lost. */
export interface LostRows {
  /** as it was before */
  table: EmbeddingTable;
  /** u32, ascending */
  rows: Uint32Array;
}

/** What model/ is without keys. */
export interface ForgottenFiles {
  /** new content, by name in model/ */
  files: Map<string, Iterable<Uint8Array>>;
  /** names of files that hold none of the keys now, whether they changed or not */
  known: ReadonlySet<string>;
  /** entries of lists beside the table that went */
  dropped: number;
}

/** How keys leave a run. */
export interface Forgetting {
  /** tables whose rows are of keys */
  tables: readonly string[];
  /** whether a field's rows are keys of the log: ranges of numbers and buckets of a hash are not */
  isVocabulary: (field: string) => boolean;
  /** What changes in model/. @param keys by column @param lost of the default table @throws {ArtifactError} damaged */
  files(keys: AskedKeys, lost: LostRows | undefined): Promise<ForgottenFiles>;
}

/** Places of the keys that are gone. */
interface Places {
  /** u32: rows of the table */
  rows: Uint32Array;
  /** the same as features, each with its field's out-of-vocabulary feature */
  features: ReadonlyMap<number, number>;
  /** the same within the field of users, and of items */
  users: number[];
  items: number[];
}

interface Job extends Places {
  keys: AskedKeys;
  preprocess: Preprocess;
}

/** Changes tensors in place. */
export type ForgetTensors = (tensors: Tensors, job: Job) => { dropped: number; changed: boolean };

/** Files of model/ that a kind of model writes beside the shared ones. */
export interface OwnFiles {
  /** they hold no key, whatever the run */
  withoutKeys?: readonly string[];
  /** how those of tensors change, by name */
  tensors?: Readonly<Record<string, ForgetTensors>>;
}

/** What stands for the features becomes zero in the tensors that have a row a feature. */
export const byFeature =
  (isOfFeatures: (name: string) => boolean): ForgetTensors =>
  (tensors, { features }) => {
    for (const [name, tensor] of tensors) if (isOfFeatures(name)) clearRows(tensor, features.keys());
    return { dropped: 0, changed: features.size > 0 };
  };

/** How keys leave a run whose rows are features, or one of a table alone. @throws {ArtifactError} damaged */
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
      // read once as every command reads them, so that what is changed below is as it must be
      await readItems(run, preprocess);
      if (preprocess.negatives) await readNegatives(run, preprocess);
      const job = { ...placesOf(preprocess, lost), keys, preprocess };
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

function placesOf(preprocess: Preprocess, lost: LostRows | undefined): Places {
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

/** Files of model/ that any training writes. */
const sharedFiles: Readonly<Record<string, ForgetTensors>> = {
  "key-history.safetensors": history,
  "items.safetensors": catalogue,
  "negatives.safetensors": catalogue,
};

/** Keys by field; a field is a column's name or, as the user asks, `user` or `item` for the column in that role. */
export type AskedKeys = ReadonlyMap<string, ReadonlySet<string>>;

/** All keys, whatever their field. */
export function allKeys(asked: AskedKeys): string[] {
  return [...new Set([...asked.values()].flatMap((keys) => [...keys]))];
}

/** What stands where a key stood. */
const INSTEAD = "(forgotten)";

/** A preprocess.json, of any model, without the keys. */
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

/** The made-up rows without those that hold one of the keys. @param keys by column */
function vectorsWithout(
  vectors: readonly TestVector[],
  keys: AskedKeys,
  multi: Readonly<Record<string, string>>,
): TestVector[] {
  const valuesOf = (column: string, cell: string): string[] => {
    const separator = Object.hasOwn(multi, column) ? multi[column] : undefined;
    if (separator === undefined) return [cell];
    // a value may carry a number: tea:0.5
    return cell.split(separator).flatMap((value) => [value, value.slice(0, value.lastIndexOf(":"))]);
  };
  return vectors.filter(({ cells }) =>
    Object.entries(cells).every(
      ([column, cell]) => !valuesOf(column, cell).some((value) => keys.get(column)?.has(value)),
    ),
  );
}

/** A text such as an expression of --where or --drop, in which a key stands in quotes or after `^=`. */
export function expressionWithout(text: string, keys: readonly string[]): string {
  return keys.reduce((rest, key) => {
    const [single, double] = [`'${key.replaceAll("'", "''")}'`, `"${key.replaceAll('"', '""')}"`];
    const quoted = rest.replaceAll(single, `'${INSTEAD}'`).replaceAll(double, `"${INSTEAD}"`);
    return quoted.endsWith(`^=${key}`) ? `${quoted.slice(0, -key.length)}${INSTEAD}` : quoted;
  }, text);
}

/** A sentence in which a key stands as a word. */
export function sentenceWithout(text: string, keys: readonly string[]): string {
  return keys.reduce((rest, key) => rest.replaceAll(wordOf(key), INSTEAD), text);
}

/** Whether bytes hold one of the keys as a word: not within a longer one. */
export function holdsWord(bytes: Uint8Array, keys: readonly string[]): boolean {
  const text = Buffer.from(bytes).toString("utf8");
  return keys.some((key) => text.includes(key) && wordOf(key).test(text));
}

function wordOf(key: string): RegExp {
  const literal = key.replaceAll(/[$()*+./?[\\\]^{|}]/g, "\\$&");
  return new RegExp(`(?<![\\p{L}\\p{N}_-])${literal}(?![\\p{L}\\p{N}_-])`, "gu");
}

/** Texts anywhere in what JSON holds, each by `change`. */
export function mapTexts<T>(value: T, change: (text: string) => string): T {
  if (typeof value === "string") return change(value) as T;
  if (Array.isArray(value)) return value.map((each: unknown) => mapTexts(each, change)) as T;
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, mapTexts(each, change)])) as T;
}
