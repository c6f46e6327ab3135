// What turns a raw row into features, as a run keeps it (model/preprocess.json): everything that was fitted, but for the
// vocabulary, which is the table's keys. docs/formats.md states it for those who rebuild it elsewhere.

import { type KeyHashing, type Roles, roleNames } from "../dataset.js";
import { type HashRecipe, MAX_BITS } from "./hash-field.js";
import type { UserLimits } from "../filters/heavy-users.js";
import type { CellReading } from "../../log/log.js";
import type { Task } from "../labels.js";
import { withForms } from "../numeric.js";
import type { TestVector } from "../test-vectors.js";
import type { TimeFieldOptions } from "../time-fields.js";
import type { FeatureSpace } from "./vocabulary.js";
import { ArtifactError } from "../../errors.js";
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
} from "../../io/json-shape.js";

/** The rows of a field in the table: firstRow .. firstRow + numRows - 1. */
interface TableRows {
  name: string;
  firstRow: number;
  numRows: number;
}

/** A field of keys: an unknown one is the feature of index `outOfVocabulary`, -1 - (position among the fields). */
interface KeyRows extends TableRows {
  outOfVocabulary: number;
  /** events of the training part whose key is not in the table */
  outOfVocabularyCount: number;
}

/** A hashed field's rows are its buckets; none of its keys is out-of-vocabulary. */
interface BucketRows extends KeyRows {
  hash?: HashRecipe;
}

/** One field in the order of its features. */
export type FieldRecipe =
  | (BucketRows & { kind: "key" })
  | (KeyRows & { kind: "multi"; separator: string; weights: "1/n" | "stated" })
  | (TableRows & { kind: "number"; log1p?: true; mean: number; deviation: number; count: number })
  /** one-hot by range: bin b >= 1 is [edges[b - 1], edges[b]), the first and the last are open to their side */
  | (TableRows & { kind: "bins"; edges: number[] });

export interface Preprocess extends UserLimits {
  roles: Roles;
  task: Task;
  /** labels from there on are 1; null where labels are as they are, or chose the events (roles.positives) */
  positiveFrom: number | null;
  fields: FieldRecipe[];
  /** as --side takes them */
  sides: string[];
  /** as --drop takes them */
  drop: string[];
  /** as --where takes them; absent when there is none */
  where?: string[];
  /** the form of times in the log, as --time-format takes it; absent for unix time and ISO 8601 */
  timeFormat?: string;
  /** fields that are made of the time column, in a zone (`Z` or an offset); absent when there are none */
  timeFields?: { names: string[]; zone: string };
  /** what kinds of events count in metrics, as --event-weight takes it; absent when all count alike */
  eventWeight?: string;
  /** lowest and highest label of the training part: regression scores are clipped to it */
  labelRange: [low: number, high: number];
  /** columns that go with the item, its own first; absent where the run keeps no items */
  itemFields?: string[];
  /** for a log without labels */
  negatives: { perEvent: number; noise: string; itemFields: string[] } | null;
  /** ids were replaced by keyed hashes before anything else; absent when they were not */
  hashKeys?: KeyHashing;
  /** what cells of a log say, as its flags tell it; absent in runs of earlier versions, which read every text as it is */
  cells?: CellReading;
  testVectors: TestVector[];
}

/** The time column with what is made of it, as options of reading another log. */
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

/** Features of the space: the table's rows, and an out-of-vocabulary one for each field of keys. */
export function numFeaturesOf({ fields }: Pick<Preprocess, "fields">): number {
  return fields.reduce((sum, { kind, numRows }) => sum + numRows + (kind === "number" ? 0 : 1), 0);
}

/** The recipes of a space's fields. */
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
          weights: roles.multiWeights?.includes(name) ? "stated" : "1/n",
        }
      : { ...keys, kind: "key", ...(field.hash && { hash: recipeOf(field.hash) }) };
  });
}

/** The numeric columns as --numeric takes them, as far as reading another log needs their forms. */
export function numericOf({ roles, fields }: Pick<Preprocess, "roles" | "fields">): string[] {
  const logged = fields.flatMap((field) =>
    field.kind === "number" && field.log1p ? [`${field.name}:log1p`] : [],
  );
  return withForms(roles.numeric, logged);
}

/** Without what was counted. */
function recipeOf({ function: hashFunction, seed, bits }: HashRecipe): HashRecipe {
  return { function: hashFunction, seed, bits };
}

const texts = list(text);

/** Which column plays which part. */
export const rolesShape: Shape = object(
  {
    fields: texts,
    numeric: texts,
    multi: record(where("text that separates", (value) => typeof value === "string" && value !== "")),
  },
  { ...Object.fromEntries(roleNames.map((role) => [role, text])), multiWeights: texts },
);

/** How ids were replaced by keyed hashes. */
export const hashingShape: Shape = object({
  function: word("hmac-sha256"),
  encoding: word("hex"),
  secretId: text,
  columns: texts,
});

/** Users with more events are left out. */
export const userLimitShapes = {
  dropUsersAbove: whole(1, Number.MAX_SAFE_INTEGER),
  dropUsersAbovePerDay: whole(1, Number.MAX_SAFE_INTEGER),
};
export const droppedUsersShape: Shape = object({ users: count, events: count });

/** What every model's preprocess.json says of reading a log. */
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
    cells: object({}, { nulls: texts, columns: texts, delimiter: text, decimal: text, thousands: text }),
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
  multi: object({ ...keys, separator: text, weights: word("1/n", "stated") }),
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

/** How a run's rows are prepared, from the bytes of its preprocess.json. @throws {ArtifactError} damaged, or of columns that do not go together */
export function parsePreprocess(bytes: Uint8Array, file: string): Preprocess {
  const preprocess = parseJson(bytes, preprocessShape, file) as Preprocess;
  const problem = contradictionOf(preprocess);
  if (problem === undefined) return preprocess;
  throw new ArtifactError(`'${file}' contradicts itself (${problem}): restore it or train again`);
}

/** By column: as what a log read in these roles holds it. */
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
  // the item itself goes with the item, though --fields or --ignore leaves it out of the features
  const isKnown = (name: string) => names.has(name) || name === roles.item;
  const other = [...itemFields, ...(negatives?.itemFields ?? [])].find((name) => !isKnown(name));
  if (other !== undefined) return `item field '${other}' is not a field`;
  if (negatives && roles.item === undefined) return "negatives without an item column";
  return undefined;
}
