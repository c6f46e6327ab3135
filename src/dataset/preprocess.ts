// What turns a raw row into features, as a run keeps it (model/preprocess.json): everything that was fitted, but for the
// vocabulary, which is the table's keys.

import type { Roles } from "./dataset.js";
import type { Task } from "./labels.js";
import { withForms } from "./numeric.js";
import type { TimeFieldOptions } from "./time-fields.js";
import type { FeatureSpace } from "./vocabulary.js";

/** One field in the order of its features. */
export type FieldRecipe =
  | { name: string; kind: "key" }
  | { name: string; kind: "multi"; separator: string }
  | { name: string; kind: "number"; log1p?: true; mean: number; deviation: number; count: number }
  /** one-hot by range: bin b >= 1 is [edges[b - 1], edges[b]), the first and the last are open to their side */
  | { name: string; kind: "bins"; edges: number[] };

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
  /** as --where takes them; absent when there is none */
  where?: string[];
  /** fields that are made of the time column, in a zone (`Z` or an offset); absent when there are none */
  timeFields?: { names: string[]; zone: string };
  /** lowest and highest label of the training part: regression scores are clipped to it */
  labelRange: [low: number, high: number];
  /** for a log without labels */
  negatives: { perEvent: number; noise: string; itemFields: string[] } | null;
}

/** The time column with what is made of it, as options of reading another log. */
export function timeOf({ roles, timeFields }: Preprocess): TimeFieldOptions & { time?: string } {
  if (!timeFields || roles.time === undefined) return {};
  return { time: roles.time, timeFields: timeFields.names, timeZone: timeFields.zone };
}

/** The recipes of a space's fields. */
export function recipesOf(space: FeatureSpace, roles: Roles): FieldRecipe[] {
  return space.fields.map((field): FieldRecipe => {
    const { name } = field;
    if (field.kind === "number") {
      const { log1p, mean, deviation, count } = field;
      return { name, kind: "number", ...(log1p && { log1p }), mean, deviation, count };
    }
    if (field.kind === "bins") return { name, kind: "bins", edges: field.edges };
    return field.kind === "multi"
      ? { name, kind: "multi", separator: roles.multi[name]! }
      : { name, kind: "key" };
  });
}

/** The numeric columns as --numeric takes them, as far as reading another log needs their forms. */
export function numericOf({ roles, fields }: Preprocess): string[] {
  const logged = fields.flatMap((field) =>
    field.kind === "number" && field.log1p ? [`${field.name}:log1p`] : [],
  );
  return withForms(roles.numeric, logged);
}
