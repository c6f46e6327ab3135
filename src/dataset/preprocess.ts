// What turns a raw row into features, as a run keeps it (model/preprocess.json): everything that was fitted, but for the
// vocabulary, which is the table's keys.

import type { Roles } from "./dataset.js";
import type { Task } from "./labels.js";
import type { FeatureSpace } from "./vocabulary.js";

/** One field in the order of its features. */
export type FieldRecipe =
  | { name: string; kind: "key" }
  | { name: string; kind: "multi"; separator: string }
  | { name: string; kind: "number"; mean: number; deviation: number; count: number };

export interface Preprocess {
  roles: Roles;
  task: Task;
  /** labels from there on are 1 */
  positiveFrom: number | null;
  fields: FieldRecipe[];
  /** as --side takes them */
  sides: string[];
  /** as --drop takes them */
  drop: string[];
  /** lowest and highest label of the training part: regression scores are clipped to it */
  labelRange: [low: number, high: number];
  /** for a log without labels */
  negatives: { perEvent: number; noise: string; itemFields: string[] } | null;
}

/** The recipes of a space's fields. */
export function recipesOf(space: FeatureSpace, roles: Roles): FieldRecipe[] {
  return space.fields.map((field): FieldRecipe => {
    const { name } = field;
    if (field.kind === "number") {
      return { name, kind: "number", mean: field.mean, deviation: field.deviation, count: field.count };
    }
    return field.kind === "multi"
      ? { name, kind: "multi", separator: roles.multi[name]! }
      : { name, kind: "key" };
  });
}
