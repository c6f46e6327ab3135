// What a run of trees keeps of how rows become columns (model/preprocess.json).

import type { KeyHashing, Roles } from "../../dataset/dataset.js";
import { keysOf, keyText } from "../../embedding/table.js";
import type { Vocabularies } from "./scorer.js";
import type { Feature } from "./features.js";
import type { Forest } from "./forest.js";

/** A column of the trees; a category is the position of its key. */
export type ColumnRecipe =
  { name: string; kind: "number" } | { name: string; kind: "category"; keys: string[] };

/** What trees predict: a class of two by its log-odds, a number, or a class of several. */
export type GbdtTask = Forest["objective"];

export interface GbdtPreprocess {
  roles: Roles;
  task: GbdtTask;
  /** multiclass: their names, in the order of their numbers */
  classes?: string[];
  /** labels from there on are 1 */
  positiveFrom: number | null;
  /** as --side, --drop and --where take them */
  sides: string[];
  drop: string[];
  where?: string[];
  timeFormat?: string;
  timeFields?: { names: string[]; zone: string };
  /** as --event-weight takes it */
  eventWeight?: string;
  /** lowest and highest label of the training part: regression scores are clipped to it */
  labelRange: [low: number, high: number];
  hashKeys?: KeyHashing;
  columns: ColumnRecipe[];
}

/** Categories that two bytes count. */
const MAX_CATEGORIES = 65_534;

/** The columns of features with all categories of training: those without a bin go right at every split, and a head reads them. */
export function columnRecipes(features: readonly Feature[]): ColumnRecipe[] {
  return features.map((feature) => {
    const { name } = feature;
    if (feature.kind === "number") return { name, kind: "number" };
    const { keys } = feature.field;
    const length = Math.min(keys.size, MAX_CATEGORIES);
    return { name, kind: "category", keys: Array.from({ length }, (_, c) => keyText(keys, c)) };
  });
}

/** The vocabularies of the categorical columns. */
export function vocabulariesOf(columns: readonly ColumnRecipe[]): Vocabularies {
  return new Map(
    columns.flatMap((column) =>
      column.kind === "category" ? [[column.name, { keys: keysOf(column.keys) }] as const] : [],
    ),
  );
}
