// Reads and writes model/preprocess.json of trees: how the columns of trees are computed from rows.

import { encodeKeys, keyAt } from "../../log/keys.js";
import { kindsOf, readingShapes, type Preprocess } from "../../dataset/vocabulary/preprocess.js";
import { ArtifactError } from "../../base/errors.js";
import { list, object, parseJson, text, where, word, type Shape } from "../../base/io/json-shape.js";
import type { Vocabularies } from "./forest/scorer.js";
import type { Feature } from "./features.js";
import type { Forest } from "./forest/forest.js";

/** A category's number is the position of its key. */
export type ColumnRecipe =
  | { name: string; kind: "number" }
  | { name: string; kind: "category"; keys: string[] };

/** One of two classes by its log-odds, a number, or one of several classes. */
export type GbdtTask = Forest["objective"];

export interface GbdtPreprocess extends Omit<
  Preprocess,
  "task" | "fields" | "itemFields" | "negatives" | "testVectors"
> {
  task: GbdtTask;
  /** multiclass: names of the classes, by number */
  classes?: string[];
  columns: ColumnRecipe[];
}

/** Maximum number of categories that two bytes can represent. */
const MAX_CATEGORIES = 65_534;

const keys = where(
  `at most ${MAX_CATEGORIES} texts`,
  (value) =>
    Array.isArray(value) && value.length <= MAX_CATEGORIES && value.every((key) => typeof key === "string"),
);
const column: Shape = (value, at) =>
  object({ name: text, kind: word("number", "category") })(value, at) ??
  ((value as ColumnRecipe).kind === "category" ? object({ keys })(value, at) : undefined);

const preprocessShape = object(
  { ...readingShapes.required, task: word("binary", "regression", "multiclass"), columns: list(column) },
  { ...readingShapes.optional, classes: list(text) },
);

/** @param made names of columns that target statistics add */
export function parseGbdtPreprocess(
  bytes: Uint8Array,
  file: string,
  made: readonly string[],
): GbdtPreprocess {
  const preprocess = parseJson(bytes, preprocessShape, file) as GbdtPreprocess;
  const kinds = kindsOf(preprocess);
  const other = preprocess.columns.find(
    ({ name, kind }) =>
      !(kind === "number" && made.includes(name)) && kinds.get(name) !== (kind === "number" ? kind : "key"),
  );
  const isNamed = new Set(preprocess.columns.map(({ name }) => name)).size === preprocess.columns.length;
  const classes = preprocess.task === "multiclass" ? (preprocess.classes ?? []).length : 2;
  if (!other && isNamed && classes >= 2) return preprocess;
  const why = other
    ? `column '${other.name}' of kind ${other.kind} does not match the roles`
    : isNamed
      ? `${classes} classes`
      : "two columns have the same name";
  throw new ArtifactError(`'${file}' contradicts itself (${why}): restore it or train again`);
}

/** Categories without a bin go right at every split, but have a weight in a head. */
export function columnRecipes(features: readonly Feature[]): ColumnRecipe[] {
  return features.map((feature) => {
    const { name } = feature;
    if (feature.kind === "number") return { name, kind: "number" };
    const { keys } = feature.field;
    const length = Math.min(keys.size, MAX_CATEGORIES);
    return { name, kind: "category", keys: Array.from({ length }, (_, c) => keyAt(keys, c)) };
  });
}

export function vocabulariesOf(columns: readonly ColumnRecipe[]): Vocabularies {
  return new Map(
    columns.flatMap((column) =>
      column.kind === "category" ? [[column.name, { keys: encodeKeys(column.keys) }] as const] : [],
    ),
  );
}
