// The preprocessing that turns a raw row into features, as a run stores it (model/preprocess.json): everything that was
// fitted, except the vocabulary, which is in the table's keys. docs/formats.md specifies it for other implementations.

import { type KeyHashing, type Roles, roleNames } from "../dataset.js";
import { type HashRecipe, MAX_BITS } from "./hash-field.js";
import type { UserLimits } from "../filters/heavy-users.js";
import { keyCases } from "../../log/keys.js";
import type { CellReading } from "../../log/log.js";
import type { Task } from "../labels.js";
import { isVectors } from "../multi.js";
import { withForms } from "../numeric.js";
import type { TestVector } from "../test-vectors.js";
import type { TimeFieldOptions } from "../time-fields.js";
import type { FeatureSpace } from "./vocabulary.js";
import { ArtifactError } from "../../base/errors.js";
import {
  count,
  list,
  number,
  object,
  orNull,
  parseJson,
  record,
  text,
  where,
  whole,
  word,
  type Shape,
} from "../../base/io/json-shape.js";

/** Range of a field's rows in the table: firstRow .. firstRow + numRows - 1. */
interface TableRows {
  name: string;
  firstRow: number;
  numRows: number;
}

/** A field of keys. Unknown keys have the index `outOfVocabulary`, which is -1 - (position among the fields). */
interface KeyRows extends TableRows {
  outOfVocabulary: number;
  /** number of events of the training split whose key is not in the table */
  outOfVocabularyCount: number;
}

/** A hashed field, whose rows are buckets. It has no out-of-vocabulary key. */
interface BucketRows extends KeyRows {
  hash?: HashRecipe;
}

/** A field of the model; fields are in the order of their features. */
export type FieldRecipe =
  | (BucketRows & { kind: "key" })
  | (KeyRows & { kind: "multi"; separator: string; weights: "1/n" | "stated" | "vector" })
  | (TableRows & { kind: "number"; log1p?: true; mean: number; deviation: number; count: number })
  /** one-hot feature by range: bin b >= 1 is [edges[b - 1], edges[b]); the first and the last bin are unbounded */
  | (TableRows & { kind: "bins"; edges: number[] });

export interface Preprocess extends UserLimits {
  roles: Roles;
  task: Task;
  /** minimum label that counts as 1; null if labels are unchanged or selected the rows instead (roles.positives) */
  positiveFrom: number | null;
  fields: FieldRecipe[];
  /** side tables in the syntax of --side */
  sides: string[];
  /** dropped rows in the syntax of --drop */
  drop: string[];
  /** row filter in the syntax of --where; absent if there is none */
  where?: string[];
  /** format of times in the log, in the syntax of --time-format; absent for Unix time and ISO 8601 */
  timeFormat?: string;
  /** fields that are derived from the time column, and their zone (`Z` or an offset); absent if there are none */
  timeFields?: { names: string[]; zone: string };
  /** weights of kinds of events in metrics, in the syntax of --event-weight; absent if all are equal */
  eventWeight?: string;
  /** minimum and maximum label of the training split, to which regression scores are clipped */
  labelRange: [low: number, high: number];
  /** columns that the item determines, starting with the item column; absent if the run stores no items */
  itemFields?: string[];
  /** settings of negative sampling; set if the log has no labels */
  negatives: { perEvent: number; noise: string; itemFields: string[] } | null;
  /** parameters of the keyed hashes that replaced ids before any other step; absent if ids are not hashed */
  hashKeys?: KeyHashing;
  /** options that convert cells of a log; absent in runs of earlier versions, which read all texts unchanged */
  cells?: CellReading;
  testVectors: TestVector[];
}

/** Returns the time column and its settings as options for reading another log. */
export function timeOf({
  roles,
  timeFields,
  timeFormat,
}: Pick<Preprocess, "roles" | "timeFields" | "timeFormat">): TimeFieldOptions & {
  time?: string;
  timeFormat?: string;
} {
  if (!timeFields || roles.time === undefined) return {};
  const form = timeFormat === undefined ? {} : { timeFormat };
  return { time: roles.time, ...form, timeFields: timeFields.names, timeZone: timeFields.zone };
}

/** Returns the number of features of the space: the table's rows, plus an unknown-key feature per field of keys. */
export function numFeaturesOf({ fields }: Pick<Preprocess, "fields">): number {
  return fields.reduce((sum, { kind, numRows }) => sum + numRows + (kind === "number" ? 0 : 1), 0);
}

/** Returns, for each field of a feature space, how its cells are converted to features. */
export function recipesOf(space: FeatureSpace, roles: Roles): FieldRecipe[] {
  let firstRow = 0;
  return space.fields.map((field, f): FieldRecipe => {
    const { name } = field;
    const numRows = field.kind === "number" ? 1 : field.keys.size;
    const rows = { name, firstRow, numRows };
    firstRow += numRows;
    if (field.kind === "number") {
      const { log1p, mean, deviation, count } = field;
      return { ...rows, kind: "number", log1p, mean, deviation, count };
    }
    if (field.kind === "bins") return { ...rows, kind: "bins", edges: field.edges };
    const keys = { ...rows, outOfVocabulary: -1 - f, outOfVocabularyCount: field.counts[0]! };
    return field.kind === "multi"
      ? {
          ...keys,
          kind: "multi",
          separator: roles.multi[name]!,
          weights: isVectors({ separator: roles.multi[name]! })
            ? "vector"
            : roles.multiWeights?.includes(name)
              ? "stated"
              : "1/n",
        }
      : { ...keys, kind: "key", ...(field.hash && { hash: recipeOf(field.hash) }) };
  });
}

/** Returns the numeric columns in the syntax of --numeric, including forms that affect how another log is read. */
export function numericOf({ roles, fields }: Pick<Preprocess, "roles" | "fields">): string[] {
  const logged = fields.flatMap((field) =>
    field.kind === "number" && field.log1p ? [`${field.name}:log1p`] : [],
  );
  return withForms(roles.numeric, logged);
}

function recipeOf({ function: hashFunction, seed, bits }: HashRecipe): HashRecipe {
  return { function: hashFunction, seed, bits };
}

const texts = list(text);

/** Schema of the roles of columns in a file. */
export const rolesShape: Shape = object(
  {
    fields: texts,
    numeric: texts,
    multi: record(where("text that separates", (value) => typeof value === "string" && value !== "")),
  },
  {
    ...Object.fromEntries(roleNames.map((role) => [role, text])),
    ...{ multiWeights: texts, leftOut: texts, positives: object({ label: text, from: number }) },
  },
);

export const hashingShape: Shape = object({
  function: word("hmac-sha256"),
  encoding: word("hex"),
  secretId: text,
  columns: texts,
});

export const userLimitShapes = {
  dropUsersAbove: whole(1, Number.MAX_SAFE_INTEGER),
  dropUsersAbovePerDay: whole(1, Number.MAX_SAFE_INTEGER),
};

/** Members of preprocess.json that every model has because reading a log requires them. */
export const readingShapes = {
  required: {
    roles: rolesShape,
    sides: texts,
    drop: texts,
    labelRange: list(orNull(number), 2),
    positiveFrom: orNull(number),
  },
  optional: {
    where: texts,
    timeFormat: text,
    timeFields: object({ names: list(word("hour", "dow", "day", "month")), zone: text }),
    eventWeight: text,
    ...userLimitShapes,
    hashKeys: hashingShape,
    cells: object(
      {},
      {
        ...{ nulls: texts, columns: texts, delimiter: text, decimal: text, thousands: text },
        keyCase: word(...keyCases),
      },
    ),
  },
};

const rows = { name: text, firstRow: count, numRows: count };
const keys = { ...rows, outOfVocabulary: whole(-(2 ** 31), -1), outOfVocabularyCount: count };
const hash = object({
  function: word("murmur3-x86-32"),
  seed: whole(0, 2 ** 32 - 1),
  bits: whole(1, MAX_BITS),
});
const edges = where(
  "ascending numbers",
  (value) =>
    Array.isArray(value) && value.every((x, i) => Number.isFinite(x) && (i === 0 || x > value[i - 1])),
);

const byKind: Record<FieldRecipe["kind"], Shape> = {
  key: object(keys, { hash }),
  multi: object({ ...keys, separator: text, weights: word("1/n", "stated", "vector") }),
  number: object(
    { ...rows, mean: number, deviation: number, count },
    { log1p: where("true", (value) => value === true) },
  ),
  bins: object({ ...rows, edges }),
};

const recipe: Shape = (value, at) => {
  const problem = object({ name: text, kind: word(...Object.keys(byKind)) })(value, at);
  return problem ?? byKind[(value as FieldRecipe).kind](value, at);
};

const preprocessShape = object(
  {
    ...readingShapes.required,
    task: text,
    fields: list(recipe),
    negatives: orNull(object({ perEvent: count, noise: text, itemFields: texts })),
    testVectors: list(object({ cells: record(text), indices: list(number), values: list(number) })),
  },
  { ...readingShapes.optional, itemFields: texts },
);

/** Parses preprocess.json. @throws {ArtifactError} damaged, or its columns are inconsistent */
export function parsePreprocess(bytes: Uint8Array, file: string): Preprocess {
  const preprocess = parseJson(bytes, preprocessShape, file) as Preprocess;
  const problem = contradictionOf(preprocess);
  if (problem === undefined) return preprocess;
  throw new ArtifactError(`'${file}' contradicts itself (${problem}): restore it or train again`);
}

/**
 * Returns the kind of each column (keys, multi-valued cells, numbers) that a log has if it is read with the given
 * roles.
 */
export function kindsOf({
  roles,
  timeFields,
}: {
  roles: Roles;
  timeFields?: { names: string[] };
}): ReadonlyMap<string, "key" | "number" | "multi"> {
  return new Map([
    ...[...roles.fields, ...(timeFields?.names ?? [])].map((name) => [name, "key"] as const),
    ...roles.numeric.map((name) => [name, "number"] as const),
    ...Object.keys(roles.multi).map((name) => [name, "multi"] as const),
  ]);
}

function contradictionOf(preprocess: Preprocess): string | undefined {
  const { fields, negatives, itemFields = [], roles } = preprocess;
  const kinds = kindsOf(preprocess);
  const names = new Set(fields.map(({ name }) => name));
  if (names.size < fields.length) return "two fields have the same name";
  for (const field of fields) {
    const kind = field.kind === "bins" ? "number" : field.kind;
    if (kinds.get(field.name) !== kind)
      return `field '${field.name}' of kind ${field.kind} does not match the roles`;
    if (field.kind === "multi" && roles.multi[field.name] !== field.separator)
      return `field '${field.name}' has a different separator in the roles`;
  }
  // the item column may be named even if --fields or --ignore excludes it from the features
  const isKnown = (name: string) => names.has(name) || name === roles.item;
  const other = [...itemFields, ...(negatives?.itemFields ?? [])].find((name) => !isKnown(name));
  if (other !== undefined) return `item field '${other}' is not a field`;
  if (negatives && roles.item === undefined) return "negatives without an item column";
  return undefined;
}
