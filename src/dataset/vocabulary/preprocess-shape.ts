// What preprocess.json of a run, and dataset.json of an encoded dataset, must look like before a log is read by them.

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
import { roleNames, type Roles } from "../dataset.js";
import { MAX_BITS } from "./hash-field.js";
import type { FieldRecipe, Preprocess } from "./preprocess.js";

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
