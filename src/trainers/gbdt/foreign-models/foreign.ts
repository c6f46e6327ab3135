// A model file of LightGBM or XGBoost → trees, and what its categorical columns' cells may be.
//
// Categories become positions among the keys that some split knows, whatever numbers they have in the file.

import { keysOf } from "../../../log/keys.js";
import { ArtifactError, UsageError } from "../../../errors.js";
import type { Categories, ForeignModel } from "./foreign-model.js";
import type { ForestColumn, TreeSums } from "../forest/forest.js";
import { readLightgbmTrees, type LightgbmModel, type PandasCategory } from "./lightgbm-read.js";
import type { Vocabularies } from "../forest/scorer.js";
import { readXgboost } from "./xgboost-read.js";

/** What two bytes count, less those that stand for missing and unknown. */
const MAX_CATEGORIES = 65_533;

/**
 * @param text the file's
 * @param file its name, for messages
 * @throws {UsageError} it is neither LightGBM's text nor XGBoost's JSON, or of a kind that is not read
 * @throws {ArtifactError} as its reader says
 */
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

/** Vocabularies as the scorer takes them. */
export function vocabulariesOfForeign({ categories }: ForeignModel): Vocabularies {
  return new Map([...categories].map(([name, { keys }]) => [name, { keys: keysOf(keys) }]));
}

/** LightGBM's categories as positions: all those that pandas named, or the numbers that some node lists. */
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
  /** LightGBM's number of each key */
  numbers: number[];
}

function namedCategories(names: readonly PandasCategory[]): Numbered {
  // Python writes True and False
  const textOf = (name: PandasCategory) =>
    typeof name === "boolean" ? (name ? "True" : "False") : String(name);
  return {
    keys: names.map(textOf),
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
