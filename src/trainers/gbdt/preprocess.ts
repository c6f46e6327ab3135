// What a run of trees keeps of how rows become columns (model/preprocess.json).

import type { KeyHashing, Roles } from "../../dataset/dataset.js";
import { keysOf, keyText } from "../../embedding/table.js";
import type { Vocabularies } from "./scorer.js";
import type { Feature } from "./features.js";

/** A column of the trees; a category is the position of its key. */
export type ColumnRecipe =
  { name: string; kind: "number" } | { name: string; kind: "category"; keys: string[] };

export interface GbdtPreprocess {
  roles: Roles;
  task: "binary" | "regression";
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

/** The columns of features; categories without a bin of their own are left out. */
export function columnRecipes(features: readonly Feature[]): ColumnRecipe[] {
  return features.map((feature) => {
    const { name } = feature;
    if (feature.kind === "number") return { name, kind: "number" };
    const { field, numCategories } = feature;
    return {
      name,
      kind: "category",
      keys: Array.from({ length: numCategories }, (_, c) => keyText(field.keys, c)),
    };
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
