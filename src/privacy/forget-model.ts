// The files of model/ without some keys. A file that holds none of them stays as it is.
//
//   preprocess.json            made-up rows with the key go, and the key in expressions
//   key-history, optimizer, draws, pca   what stands for the key's row becomes zero
//   items, negatives           the entries of items and users go, and items out of what users have
//   trees                      see forget-trees.ts

import type { Preprocess } from "../dataset/preprocess.js";
import { readItems } from "../training/item-file.js";
import { readNegatives } from "../training/negative-file.js";
import { readPreprocess } from "../training/run-space.js";
import type { Run } from "../embedding/run-directory.js";
import { readSafetensors, safetensorsChunks } from "../embedding/safetensors.js";
import type { EmbeddingTable } from "../embedding/table.js";
import { ArtifactError } from "../errors.js";
import { spaceOf, tableFeatures } from "../training/feature-table.js";
import { GBDT_MODEL } from "../trainers/gbdt/artifact.js";
import { clearHistory, clearRows, dropEntries, type Tensors } from "./forget-tensors.js";
import { holdsWord, preprocessWithout } from "./forget-text.js";
import { forgetInTrees } from "./forget-trees.js";
import { allKeys, type AskedKeys } from "./forgotten-keys.js";

/** New content by path within the run. */
export type NewFiles = Map<string, Iterable<Uint8Array> | AsyncIterable<Uint8Array>>;

/** What a run's default table lost. */
export interface LostRows {
  table: EmbeddingTable;
  /** u32, ascending */
  rows: Uint32Array;
}

/** Files that hold no key, whatever the run. */
const WITHOUT_KEYS = new Set([
  "fm.safetensors",
  "ffm.json",
  "net.json",
  "net.safetensors",
  "lightgbm.txt",
  "importances.jsonl",
  "dense.safetensors",
]);

/**
 * What changes in model/.
 *
 * @param keys by column
 * @param lost of the default table; the table is as it was before
 * @returns new files, and how many keys of lists beside the table went
 * @throws {ArtifactError} damaged, or a file of a kind that this program cannot rewrite holds one of the keys
 */
export async function forgetInModel(
  run: Run,
  keys: AskedKeys,
  lost: LostRows | undefined,
): Promise<{ files: NewFiles; dropped: number }> {
  const names = Object.keys(run.manifest.files)
    .filter((file) => file.startsWith("model/"))
    .map((file) => file.slice("model/".length));
  const files: NewFiles = new Map();
  if (!names.includes("preprocess.json")) {
    await refuseUnknown(run, names, keys);
    return { files, dropped: 0 };
  }
  if (run.manifest.model === GBDT_MODEL) {
    const trees = await forgetInTrees(run, keys);
    for (const [name, text] of trees.files) files.set(`model/${name}`, [Buffer.from(text)]);
    await refuseUnknown(
      run,
      names.filter((name) => !trees.known.has(name)),
      keys,
    );
    return { files, dropped: trees.dropped };
  }
  const text = Buffer.from(await run.readModelFile("preprocess.json")).toString("utf8");
  const preprocess = await readPreprocess(run);
  const now = `${JSON.stringify(preprocessWithout(preprocess, keys), undefined, 2)}\n`;
  if (now !== text) files.set("model/preprocess.json", [Buffer.from(now)]);
  let dropped = 0;
  // read once as every command reads them, so that what is changed below is as it must be
  await readItems(run, preprocess);
  if (preprocess.negatives) await readNegatives(run, preprocess);
  const places = placesOf(preprocess, lost);
  for (const name of names.filter((each) => TENSOR_FILES.has(each))) {
    const tensors = readSafetensors(await run.readModelFile(name), name);
    const change = TENSOR_FILES.get(name)!(tensors, { ...places, keys, preprocess });
    dropped += change.dropped;
    if (change.changed) files.set(`model/${name}`, safetensorsChunks(tensors));
  }
  const known = (name: string) => name === "preprocess.json" || TENSOR_FILES.has(name);
  await refuseUnknown(
    run,
    names.filter((name) => !known(name)),
    keys,
  );
  return { files, dropped };
}

interface Places {
  /** u32: rows of the table that are gone */
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

type Change = (tensors: Tensors, job: Job) => { dropped: number; changed: boolean };

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

const byFeature =
  (isOfFeatures: (name: string) => boolean): Change =>
  (tensors, { features }) => {
    for (const [name, tensor] of tensors) if (isOfFeatures(name)) clearRows(tensor, features.keys());
    return { dropped: 0, changed: features.size > 0 };
  };

const catalogue: Change = (tensors, { keys, preprocess: { roles }, features }) => {
  const of = (column: string | undefined) =>
    (column === undefined ? undefined : keys.get(column)) ?? new Set<string>();
  return dropEntries(tensors, { items: of(roles.item), users: of(roles.user), features });
};

/** model/pca.safetensors (trainers/pca/artifact): columns are items, features or columns. */
const components: Change = (tensors, { features, users, items, rows }) => {
  const clear = (name: string, at: Iterable<number>): void => {
    const tensor = tensors.get(name);
    if (tensor) clearRows(tensor, at);
  };
  if (tensors.has("itemUsers")) {
    for (const name of ["components", "itemUsers"]) clear(name, items);
    for (const name of ["rowScale", "userEvents"]) clear(name, users);
  } else clear("components", features.keys());
  return { dropped: 0, changed: rows.length > 0 };
};

const TENSOR_FILES = new Map<string, Change>([
  [
    "key-history.safetensors",
    (tensors, { rows }) => {
      clearHistory(tensors, rows);
      return { dropped: 0, changed: rows.length > 0 };
    },
  ],
  ["optimizer.safetensors", byFeature((name) => name !== "w0")],
  ["draws.safetensors", byFeature((name) => /\.(w|vectors)$/.test(name))],
  ["pca.safetensors", components],
  ["items.safetensors", catalogue],
  ["negatives.safetensors", catalogue],
]);

/** @throws {ArtifactError} one of the files holds a key */
async function refuseUnknown(run: Run, names: readonly string[], keys: AskedKeys): Promise<void> {
  for (const name of names) {
    if (WITHOUT_KEYS.has(name) || !holdsWord(await run.readModelFile(name), allKeys(keys))) continue;
    throw new ArtifactError(
      `'model/${name}' of run '${run.path}' holds a key that is to be forgotten, and this program cannot rewrite it: ` +
        "remove the run, and train it again without the key",
    );
  }
}
