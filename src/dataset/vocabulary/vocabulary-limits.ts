// Limits on which keys of a field get their own feature; the others are out-of-vocabulary.
//
// A key is kept if it has at least minCount events and minUsers distinct users in the training split, and is among the
// first maxVocab of these in the order of the vocabulary (descending count, then UTF-8 bytes).

import { MISSING } from "../../log/keys.js";
import { UsageError } from "../../base/errors.js";
import { columnNamed, type Column, type Dataset, type Roles } from "../dataset.js";
import { hashRecipe, type HashRecipe } from "./hash-field.js";
import { requireColumn } from "../roles.js";

/** A number for all fields, with exceptions by field; `user` and `item` denote the columns with these roles. */
export type PerField = number | { others: number; byField: Record<string, number> };

export interface VocabularyLimits {
  /** minimum number of events of a key; rarer keys are out-of-vocabulary */
  minCount: PerField;
  /** maximum number of keys, of which the most frequent ones are kept; unlimited when absent */
  maxVocab?: PerField;
  /** minimum number of distinct users of a key, except in the user field; 0 when absent. Missing users do not count. */
  minUsers?: number;
  /** number n of hash bits by field; the field has no vocabulary, and keys are hashed to 2^n buckets (hash-field.ts) */
  hash?: Record<string, number>;
}

export interface FieldLimits {
  minCount: number;
  maxVocab: number;
}

/** Returns the fields that options other than --fields name; these are features even if their keys have few rows. */
export function fieldsNamed({
  hash = {},
  minCount,
  maxVocab = Infinity,
  itemFields = [],
  others = [],
}: Partial<VocabularyLimits> & { itemFields?: readonly string[]; others?: readonly string[] }): {
  keep?: string[];
} {
  const limited = [minCount, maxVocab].flatMap((limit) =>
    typeof limit === "object" ? Object.keys(limit.byField) : [],
  );
  const keep = [...Object.keys(hash), ...limited, ...itemFields, ...others];
  return keep.length > 0 ? { keep } : {};
}

/** @throws {UsageError} a limit names an unknown field, or --min-users has no user column to count */
export function limitsByField(
  { minCount, maxVocab, minUsers = 0 }: VocabularyLimits,
  fields: readonly string[],
  roles: Roles,
  hashed: ReadonlyMap<string, HashRecipe>,
): (field: string) => FieldLimits {
  if (minUsers > 0 && roles.user === undefined)
    throw new UsageError("--min-users needs a user column: name it with --user");
  const minimum = numberByField("--min-count", minCount, fields, roles, hashed);
  const maximum = numberByField("--max-vocab", maxVocab ?? Infinity, fields, roles, hashed);
  return (field) => ({ minCount: Math.max(1, minimum(field)), maxVocab: maximum(field) });
}

function numberByField(
  flag: string,
  limit: PerField,
  fields: readonly string[],
  roles: Roles,
  hashed: ReadonlyMap<string, HashRecipe>,
): (field: string) => number {
  if (typeof limit === "number") return () => limit;
  const own = new Map<string, number>();
  for (const [name, n] of Object.entries(limit.byField)) {
    const field = fieldNamed(name, fields, roles);
    requireColumn(flag, field, fields);
    if (hashed.has(field))
      throw new UsageError(`${flag} cannot limit '${field}', which is hashed (--hash) and has no vocabulary`);
    own.set(field, n);
  }
  return (field) => own.get(field) ?? limit.others;
}

/** @throws {UsageError} there is no such field, or its cells hold several values */
export function hashedFields(
  hash: VocabularyLimits["hash"],
  columns: readonly Column[],
  roles: Roles,
): ReadonlyMap<string, HashRecipe> {
  const names = columns.map(({ name }) => name);
  return new Map(
    Object.entries(hash ?? {}).map(([named, bits]) => {
      const name = fieldNamed(named, names, roles);
      requireColumn("--hash", name, names);
      const column = columns.find((candidate) => candidate.name === name);
      // multi-valued fields cannot be hashed: two values of a cell could share a bucket, but features of a row are
      // distinct
      if (column?.kind !== "key")
        throw new UsageError(
          `--hash needs a categorical field with one key per cell, but '${name}' is not one`,
        );
      return [name, hashRecipe(name, bits)];
    }),
  );
}

/** Returns a name that is a field unchanged, and for the names `user` and `item` the columns with these roles. */
function fieldNamed(name: string, fields: readonly string[], { user, item }: Roles): string {
  if (fields.includes(name)) return name;
  return (name === "user" ? user : name === "item" ? item : undefined) ?? name;
}

/** Counts each key's distinct users over the rows. @returns u32[size of the column's dictionary] */
export function distinctUsers(
  dataset: Dataset,
  column: Exclude<Column, { kind: "number" }>,
  rows: Uint32Array,
): Uint32Array {
  const user = columnNamed(dataset, dataset.roles.user!);
  if (user.kind !== "key") throw new UsageError(`the user column '${user.name}' must hold one id a row`);
  const users = new Uint32Array(column.dictionary.size);
  // the rows are grouped by user, so that each key counts a user once by comparing it with the key's last user
  const lastUser = new Uint32Array(users.length).fill(MISSING);
  const count = (key: number, by: number) => {
    if (lastUser[key] === by) return;
    lastUser[key] = by;
    users[key]!++;
  };
  for (const row of rowsByUser(user.codes, user.dictionary.size, rows)) {
    const code = column.codes[row]!;
    if (code === MISSING) continue;
    if (column.kind === "key") count(code, user.codes[row]!);
    else
      for (let j = column.indptr[code]!; j < column.indptr[code + 1]!; j++)
        count(column.values[j]!, user.codes[row]!);
  }
  return users;
}

/** Returns the rows that have a user, grouped by user (a counting sort). */
function rowsByUser(codes: Uint32Array, numUsers: number, rows: Uint32Array): Uint32Array {
  const end = new Uint32Array(numUsers + 1);
  for (const row of rows) if (codes[row] !== MISSING) end[codes[row]! + 1]!++;
  for (let u = 0; u < numUsers; u++) end[u + 1]! += end[u]!;
  const sorted = new Uint32Array(end[numUsers]!);
  for (const row of rows) if (codes[row] !== MISSING) sorted[end[codes[row]!]!++] = row;
  return sorted;
}
