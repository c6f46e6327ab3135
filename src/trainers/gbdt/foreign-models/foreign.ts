// Uses trees that LightGBM or XGBoost trained: `embed transform --model FILE LOG`, `embed predict --model FILE LOG`.
//
//   model file ──► trees and categories of its categorical columns ──► leaves or scores of a log's rows
//
// Categories are renumbered by their position among the keys that occur in splits. The model's feature names are
// columns of the log, and the model says which are categorical.

import type { FurtherLog } from "../../../training/reading/open-as-trained.js";
import { encodeKeys, MISSING, keyAt } from "../../../log/keys.js";
import { ArtifactError, UsageError, DataError, excerpt, nearestName } from "../../../base/errors.js";
import { type Categories, type ForeignModel, readXgboost } from "./xgboost-read.js";
import { numClassesOf, type ForestColumn, type TreeSums } from "../forest/forest.js";
import { readLightgbmTrees, type LightgbmModel, type PandasCategory } from "../forest/lightgbm-text.js";
import type { Vocabularies } from "../forest/scorer.js";
import { buildDataset } from "../../../dataset/build.js";
import type { Column, Dataset, KeyColumn } from "../../../dataset/dataset.js";
import { isEncodedDataset } from "../../../dataset/encoded/read.js";
import { openSource } from "../../../base/io/source.js";
import { countUnknown } from "../run.js";
import { modelScorer } from "../leaf-heads/head.js";
import type { RowPredictor } from "../../../training/capabilities/row-predictor.js";
import { silently } from "../../../training/reading/split-parts.js";
import type { Watch } from "../../../training/session/watch.js";
import { withLog } from "../../../training/reading/read-dataset.js";
import { encodedLeaves } from "../transform.js";
import type { Transformed, TransformOptions } from "../../../training/shared-options/transform-options.js";

/** As many as two bytes represent, besides missing and unknown. */
const MAX_CATEGORIES = 65_533;

export function readForeignModel(text: string, file: string): ForeignModel {
  const model = readAny(text, file);
  const { columns } = model.sums;
  if (columns.length > 65_535)
    throw new ArtifactError(`'${file}' has ${columns.length} columns, at most 65,535 are supported`);
  for (const [name, { keys }] of model.categories) {
    if (keys.length > MAX_CATEGORIES)
      throw new ArtifactError(
        `column '${name}' of '${file}' has ${keys.length} categories, at most ${MAX_CATEGORIES} are supported`,
      );
  }
  const names = new Set(columns.map(({ name }) => name));
  if (names.size < columns.length) throw new ArtifactError(`two columns of '${file}' have the same name`);
  return model;
}

function readAny(text: string, file: string): ForeignModel {
  if (/^tree\r?\n/.test(text)) return withCategories(readLightgbmTrees(text, file), file);
  if (/^\s*\{/.test(text)) return readXgboost(text, file);
  throw new UsageError(
    `'${file}' is not a supported model: expected LightGBM's text format (first line 'tree') or XGBoost's ` +
      "JSON format (save_model to a .json file)",
  );
}

/** By position among all categories that pandas named, or among those that occur in splits. */
function withCategories({ sums, categorical, pandasCategorical }: LightgbmModel, file: string): ForeignModel {
  const named = pandasCategorical ?? [];
  if (named.length > 0 && named.length !== categorical.length)
    throw new ArtifactError(
      `'${file}' lists categories for ${named.length} columns but has ${categorical.length} categorical ` +
        "columns: they cannot be matched",
    );
  const categories = new Map(
    categorical.map((f, i) => [f, named[i] ? namedCategories(named[i]) : listedCategories(sums, f)]),
  );
  const columns = sums.columns.map((column, f): ForestColumn =>
    categories.has(f) ? { ...column, kind: "category" } : column,
  );
  const positions = new Map(
    [...categories].map(([f, { numbers }]) => [f, new Map(numbers.map((code, at) => [code, at]))]),
  );
  for (const { nodes } of sums.trees) {
    for (const { test, feature } of nodes) {
      if (test.kind !== "category") continue;
      const places = positions.get(feature)!;
      test.left = test.left.map((code) => {
        const place = places.get(code);
        if (place === undefined)
          throw new ArtifactError(
            `a tree of '${file}' splits on category ${code} of '${columns[feature]!.name}', which has no ` +
              "name in the file: restore it",
          );
        return place;
      });
    }
  }
  const byName = [...categories].map(([f, { keys, cells }]) => [columns[f]!.name, { keys, cells }] as const);
  return { sums: { ...sums, columns }, categories: new Map(byName) };
}

interface Numbered extends Categories {
  /** number that LightGBM's model gives to each key */
  numbers: number[];
}

function namedCategories(names: readonly PandasCategory[]): Numbered {
  // Python writes booleans as True and False
  const readFileText = (name: PandasCategory) =>
    typeof name === "boolean" ? (name ? "True" : "False") : String(name);
  return {
    keys: names.map(readFileText),
    numbers: [...names.keys()],
    cells: names.length > 0 && names.every((name) => typeof name === "number") ? "number" : "text",
  };
}

function listedCategories({ trees }: TreeSums, f: number): Numbered {
  const listed = new Set<number>();
  for (const { nodes } of trees) {
    for (const { feature, test } of nodes) {
      if (feature === f && test.kind === "category") for (const code of test.left) listed.add(code);
    }
  }
  const numbers = [...listed].sort((a, b) => a - b);
  return { keys: numbers.map(String), numbers, cells: "code" };
}

/** Rows are encoded lazily as they are requested. */
export async function encodeWithForeign(
  file: string,
  options: TransformOptions,
  watch: Watch,
): Promise<Transformed> {
  if (options.dense === true)
    throw new UsageError("--dense needs a number with --model, because the model file has no leaf vectors");
  const { model, vocabularies, named, read } = await openForeign(file);
  const { dataset, keyed } = await read(options, options.key, watch);
  return {
    ...encodedLeaves({ forest: model.sums, vocabularies }, dataset, options, watch, keyed),
    unknown: countUnknown(dataset, named),
    warnings: [],
  };
}

export async function foreignPredictor(
  file: string,
  { threads }: { threads: number },
): Promise<RowPredictor> {
  const { model, vocabularies, named, read } = await openForeign(file);
  return {
    predicted: { kind: "score", numScores: numClassesOf(model.sums) },
    notes: ["scores are raw sums of leaf values; apply the objective's link function to get probabilities"],
    read: async (log, watch) => (await read(log, undefined, watch)).dataset,
    ...(await modelScorer({ forest: model.sums, vocabularies }, threads)),
    countUnseen: (dataset, rows) => countUnknown(dataset, named, rows),
  };
}

async function openForeign(file: string): Promise<{
  model: ForeignModel;
  vocabularies: Vocabularies;
  /** columns whose categories have names; unknown categories are counted for these alone */
  named: Vocabularies;
  /** `keyed` has the columns of the log, in which the key column identifies rows */
  read: (
    log: FurtherLog,
    key: string | undefined,
    watch: Watch,
  ) => Promise<{ dataset: Dataset; keyed: Dataset }>;
}> {
  const model = readForeignModel(await readFileText(file), file);
  const vocabularies: Vocabularies = new Map(
    [...model.categories].map(([name, { keys }]) => [name, { keys: encodeKeys(keys) }]),
  );
  const isNamed = (name: string) => model.categories.get(name)!.cells !== "code";
  return {
    model,
    vocabularies,
    named: new Map([...vocabularies].filter(([name]) => isNamed(name))),
    async read(log, key, watch) {
      const keyed = await readColumns(model, file, log, key, watch);
      const columns = keyed.columns.map((column) => canonical(column, model, log.on));
      return { dataset: { ...keyed, columns }, keyed };
    },
  };
}

async function readFileText(path: string): Promise<string> {
  const source = await openSource(path);
  const pieces: Buffer[] = [];
  try {
    for await (const piece of source.pieces()) pieces.push(Buffer.from(piece));
  } finally {
    await source.close();
  }
  return Buffer.concat(pieces).toString("utf8");
}

/** Under the model's names; an additional key column keeps its name. */
async function readColumns(
  { sums, categories }: ForeignModel,
  file: string,
  { on, reading, maxBad, badRows, onRead, beside }: FurtherLog,
  key: string | undefined,
  watch: Watch,
): Promise<Dataset> {
  if (await isEncodedDataset(on[0]!))
    throw new UsageError(`--model needs a log, but '${on[0]}' is an encoded dataset`);
  const given = {
    ...{ numeric: [], multi: {}, ignore: [], infer: false, unlabelled: false, drop: [], sides: [] },
    onBadRow: reading.onBadRow,
    reading,
    maxBad,
    badRows,
    onRead,
    beside,
  };
  let modelName = (name: string) => name;
  const { dataset } = await withLog(on, given, silently(watch), (log, tables, build, observe) => {
    const columnOf = new Map(sums.columns.map(({ name }) => [name, columnFor(name, log.columns, file)]));
    const nameOf = new Map([...columnOf].map(([name, column]) => [column, name]));
    modelName = (column) => nameOf.get(column) ?? column;
    const columns = sums.columns.map(({ name }) => ({ column: columnOf.get(name)!, name }));
    const fields = columns.filter(({ name }) => categories.has(name)).map(({ column }) => column);
    const numeric = columns.filter(({ name }) => !categories.has(name)).map(({ column }) => column);
    if (key !== undefined && !nameOf.has(key)) fields.push(key);
    return buildDataset(log, tables, { ...build, fields, numeric }, observe);
  });
  return {
    ...dataset,
    columns: dataset.columns.map((column) => ({ ...column, name: modelName(column.name) })),
  };
}

/** LightGBM replaces white space in names by _. */
function columnFor(name: string, columns: readonly string[], file: string): string {
  const plain = (column: string) => column.replaceAll(/\s/g, "_");
  const found = columns.includes(name) ? name : columns.find((column) => plain(column) === name);
  if (found !== undefined) return found;
  const near = nearestName(name, columns);
  const hint = near === undefined ? `its columns are ${columns.join(", ")}` : `did you mean '${near}'?`;
  throw new UsageError(`the model '${file}' needs column '${name}', which is not in the log: ${hint}`);
}

/** Numbers of a categorical column in canonical form. */
function canonical(column: Column, { categories }: ForeignModel, on: readonly string[]): Column {
  const own = categories.get(column.name);
  return own && own.cells !== "text" && column.kind === "key"
    ? withNumbers(column, own, on.join(", "))
    : column;
}

function withNumbers({ dictionary, codes, name }: KeyColumn, { cells }: Categories, file: string): KeyColumn {
  const texts = Array.from({ length: dictionary.size }, (_, code) => {
    const text = keyAt(dictionary, code);
    const x = text.trim() === "" ? NaN : Number(text);
    if (Number.isNaN(x))
      throw new DataError(`${excerpt(text)} is not a number, but the model's categories are numbers`, {
        file,
        column: name,
      });
    return String(cells === "code" ? Math.trunc(x) : x);
  });
  const keys = [...new Set(texts)];
  const position = new Map(keys.map((key, at) => [key, at]));
  const canonicalOf = texts.map((text) => position.get(text)!);
  return {
    kind: "key",
    name,
    codes: codes.map((code) => (code === MISSING ? MISSING : canonicalOf[code]!)),
    dictionary: encodeKeys(keys),
  };
}
