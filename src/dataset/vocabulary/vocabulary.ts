// Fits the vocabulary of each field, or the mean and deviation of a numeric one, on the rows of the training split.
//
// Ids of a field: 0 is out-of-vocabulary, 1.. are its keys by descending count, then by their UTF-8 bytes. Features of
// all fields are numbered together: feature = offset + id. A numeric field has one feature, offset + 0.

import { ascending, sharedU32, mapTo } from "../../base/numeric/indices.js";
import { MISSING, compareKeys, selectKeys, type Keys } from "../../log/keys.js";
import { DataError } from "../../base/errors.js";
import {
  columnNamed,
  type Column,
  type Dataset,
  type KeyColumn,
  type MultiColumn,
  type NumberColumn,
} from "../dataset.js";
import { hashBytes, hashText } from "../../base/numeric/hash.js";
import { isVectors } from "../multi.js";
import { binColumn, binKeys, logColumn, quantileEdges, type NumericForm } from "../numeric.js";
import { inReadingOrder, slicesAt } from "../stored-columns.js";
import { countColumns, countKeys } from "./key-counts.js";
import {
  bucketKeys,
  bucketsOf,
  checkBuckets,
  hashStatistics,
  type HashRecipe,
  type HashStatistics,
} from "./hash-field.js";
import { KeyIndex } from "./key-index.js";
import {
  distinctUsers,
  hashedFields,
  limitsByField,
  type FieldLimits,
  type VocabularyLimits,
} from "./vocabulary-limits.js";

/** A categorical field: one-hot (kind key) or multi-valued (kind multi). */
export interface CategoricalField {
  kind: "key" | "multi";
  name: string;
  /**
   * keys of the field: id i >= 1 is keys[i - 1]; an empty key denotes a row of an earlier table whose key was removed
   *
   */
  keys: Keys;
  /** u32[keys.size + 1]: number of events of the training split by id; [0] is that of out-of-vocabulary keys */
  counts: Uint32Array;
  /** for a hashed field, whose keys are the buckets, all with an id above 0; absent for a field with a vocabulary */
  hash?: HashRecipe | HashStatistics;
}

/** A numeric field whose ranges are one-hot features; its keys are the ranges in ascending order. */
export interface BinnedField extends Omit<CategoricalField, "kind"> {
  kind: "bins";
  /** lower ends of all ranges but the first, from quantileEdges */
  edges: number[];
}

/** A numeric field: its feature's value is (number - mean) / deviation. */
export interface NumericField {
  kind: "number";
  name: string;
  /** true if the value, the mean and the deviation refer to log(1 + number) */
  log1p?: true;
  mean: number;
  /** population standard deviation; 1 when the column is constant */
  deviation: number;
  /** number of rows of the training split with a number in this field */
  count: number;
}

export type Field = CategoricalField | BinnedField | NumericField;

/** Returns the keys of a field's rows in an earlier table; undefined if the field is not in the table. */
export type RowOrder = (field: string) => Keys | undefined;

/** All fields of a model, and the numbering of their features. */
export interface FeatureSpace {
  fields: Field[];
  /** field f owns features [offsets[f], offsets[f + 1]) */
  offsets: number[];
  numFeatures: number;
}

/** Creates the feature space of the given fields, in their order. */
export function featureSpace(fields: Field[]): FeatureSpace {
  const offsets = [0];
  for (const field of fields)
    offsets.push(offsets.at(-1)! + (field.kind === "number" ? 1 : field.keys.size + 1));
  return { fields, offsets, numFeatures: offsets.at(-1)! };
}

export interface FittingOptions {
  /** forms of numeric columns, standardized by default; binned columns have no out-of-vocabulary feature */
  forms?: ReadonlyMap<string, NumericForm>;
  /** keys of the rows of an earlier table, which keep their positions */
  rowOrder?: RowOrder;
}

/**
 * Fits every feature column of a dataset on the given rows.
 *
 * @param rows u32: rows of the training split
 * @param limits which keys are out-of-vocabulary; a number is the minimum count of every field
 * @param fitting settings other than limits
 * @throws {UsageError} a limit names an unknown field, or needs a user column that does not exist
 */
export function fitFeatures(
  dataset: Dataset,
  rows: Uint32Array,
  limits: VocabularyLimits | number,
  { forms = new Map(), rowOrder = () => undefined }: FittingOptions = {},
): FeatureSpace {
  const all = typeof limits === "number" ? { minCount: limits } : limits;
  const columns = featureColumns(dataset);
  const categorical = columns.filter(({ kind }) => kind !== "number").map(({ name }) => name);
  const hashed = hashedFields(all.hash, columns, dataset.roles);
  const limitsOf = limitsByField(all, categorical, dataset.roles, hashed);
  const events = countEvents(columns, rows);
  const fields = columns.map((column, c): Field => {
    if (column.kind === "number")
      return fitNumber(column, rows, forms.get(column.name) ?? { kind: "standard" });
    const hash = hashed.get(column.name);
    if (hash && column.kind === "key") {
      checkBuckets(column.name, hash, rowOrder(column.name));
      return fitBuckets(column, events[c]!, hash);
    }
    if (column.kind === "multi" && isVectors(column)) return fitDimensions(column, events[c]!);
    const { minUsers = 0 } = all;
    const users =
      minUsers > 0 && column.name !== dataset.roles.user ? distinctUsers(dataset, column, rows) : undefined;
    const mayShow = (code: number) => !users || users[code]! >= minUsers;
    return inRowOrder(fitKeys(column, events[c]!, limitsOf(column.name), mayShow), rowOrder(column.name));
  });
  return featureSpace(fields);
}

/** Returns the columns that are features, in the log's order. */
export function featureColumns(dataset: Dataset): Column[] {
  const { fields, numeric, multi } = dataset.roles;
  const named = new Set([...fields, ...numeric, ...Object.keys(multi)]);
  return dataset.columns.filter(({ name }) => named.has(name));
}

function fitNumber(column: NumberColumn, rows: Uint32Array, form: NumericForm): Field {
  const { name } = column;
  if (form.kind === "standard") return fitNumeric(name, column.values, rows);
  if (form.kind === "log1p") return { ...fitNumeric(name, logColumn(column).values, rows), log1p: true };
  const edges = quantileEdges(column, rows, form.bins);
  const keys = binKeys(edges);
  const counts = Uint32Array.of(0, ...countKeys(binColumn(column, edges, keys), rows));
  return { kind: "bins", name, edges, keys, counts };
}

/** Returns the field of a column of vectors, whose keys are all of their dimensions. @throws {DataError} all are equal */
function fitDimensions(column: MultiColumn, events: Uint32Array) {
  const { name, indptr } = column;
  if (indptr.length === 2)
    throw new DataError(
      `the vectors in column '${name}' are all equal and tell nothing: exclude the column with --ignore ${name}`,
    );
  return fitKeys(column, events, { minCount: 0, maxVocab: Infinity }, () => true);
}

function fitKeys(
  column: KeyColumn | MultiColumn,
  events: Uint32Array,
  { minCount, maxVocab }: FieldLimits,
  mayShow: (code: number) => boolean,
): CategoricalField {
  // selects the kept keys, by descending count and then by bytes, and counts excluded keys as out-of-vocabulary
  const kept: number[] = [];
  let total = 0;
  for (let code = 0; code < events.length; code++) {
    total += events[code]!;
    if (events[code]! >= minCount && mayShow(code)) kept.push(code);
  }
  const order = Uint32Array.from(kept)
    .sort((a, b) => events[b]! - events[a]! || compareKeys(column.dictionary, a, b))
    .slice(0, Math.min(kept.length, maxVocab));
  const counts = new Uint32Array(order.length + 1);
  order.forEach((code, i) => (counts[i + 1] = events[code]!));
  counts[0] = order.reduce((left, code) => left - events[code]!, total);
  const { kind, name, dictionary } = column;
  const field: CategoricalField = { kind, name, keys: selectKeys(dictionary, order), counts };
  const ids = sharedU32(dictionary.size);
  order.forEach((code, i) => (ids[code] = i + 1));
  ownIds.set(field, { dictionary, ids });
  return field;
}

/** The dictionary on which a field was fitted and the id of each code, so that idsOf looks up no keys. */
const ownIds = new WeakMap<object, { dictionary: Keys; ids: Uint32Array }>();

/**
 * Returns the field with its keys in the order of an earlier table's rows, or unchanged if there is no earlier table.
 */
export function inRowOrder(field: CategoricalField, earlier: Keys | undefined): CategoricalField {
  if (!earlier) return field;
  const { keys, counts } = keepRowOrder({ keys: field.keys, counts: field.counts.subarray(1) }, earlier);
  const withOov = new Uint32Array(counts.length + 1);
  withOov[0] = field.counts[0]!;
  withOov.set(counts, 1);
  return { ...field, keys, counts: withOov };
}

/**
 * Returns the feature space in which the keys of each field have the order of an earlier table's rows.
 *
 * @throws {UsageError} a field was hashed with other parameters
 */
export function spaceInRowOrder(space: FeatureSpace, rowOrder: RowOrder): FeatureSpace {
  const fields = space.fields.map((field) => {
    if (field.kind === "number" || field.kind === "bins") return field;
    if (!field.hash) return inRowOrder(field, rowOrder(field.name));
    checkBuckets(field.name, field.hash, rowOrder(field.name));
    return field;
  });
  return fields.every((field, f) => field === space.fields[f]) ? space : featureSpace(fields);
}

/**
 * Returns a feature space of one key field that contains only the kept keys; no row may contain a removed key.
 *
 * @param isKept u8[numFeatures]
 */
export function spaceWith({ fields: [field] }: FeatureSpace, isKept: Uint8Array): FeatureSpace {
  if (field?.kind !== "key") throw new RangeError("nodes are keys");
  const codes = ascending(field.keys.size).filter((code) => isKept[1 + code] === 1);
  const counts = new Uint32Array(codes.length + 1);
  codes.forEach((code, i) => (counts[1 + i] = field.counts[1 + code]!));
  return featureSpace([{ ...field, keys: selectKeys(field.keys, codes), counts }]);
}

function fitBuckets(column: KeyColumn, events: Uint32Array, recipe: HashRecipe): CategoricalField {
  const buckets = bucketsOf(column.dictionary, recipe);
  const counts = new Uint32Array(2 ** recipe.bits + 1);
  buckets.forEach((bucket, code) => (counts[bucket + 1]! += events[code]!));
  const hash = hashStatistics(recipe, buckets, events);
  return { kind: "key", name: column.name, keys: bucketKeys(recipe), counts, hash };
}

function fitNumeric(name: string, values: Float64Array, rows: Uint32Array): NumericField {
  let [count, sum, low, high] = [0, 0, Infinity, -Infinity];
  for (const row of rows) {
    const x = values[row]!;
    if (Number.isNaN(x)) continue;
    count++;
    sum += x;
    low = Math.min(low, x);
    high = Math.max(high, x);
  }
  // a constant column has no deviation: rounding may shift its mean, and a tiny deviation would magnify the difference
  if (low === high) return { kind: "number", name, mean: low, deviation: 1, count };
  const mean = count === 0 ? 0 : sum / count;
  let squares = 0;
  for (const row of rows) {
    const x = values[row]!;
    if (x === x) squares += (x - mean) ** 2;
  }
  const deviation = Math.sqrt(squares / Math.max(1, count)) || 1;
  if (!Number.isFinite(mean) || !Number.isFinite(deviation)) {
    throw new DataError(
      `numeric column '${name}' has values from ${low} to ${high}, whose squares overflow: use --numeric ` +
        `${name}:log1p or ${name}:bins=20, or exclude it with --ignore`,
    );
  }
  return { kind: "number", name, mean, deviation, count };
}

/** Returns u32[size of the dictionary] for each column: the number of rows of each key or value; empty for numbers. */
function countEvents(columns: readonly Column[], rows: Uint32Array): Uint32Array[] {
  const ofKeys = columns.filter((column) => column.kind === "key");
  const counts = countColumns(ofKeys, rows);
  return columns.map((column) => {
    if (column.kind === "number") return new Uint32Array();
    return column.kind === "multi" ? countValues(column, rows) : counts[ofKeys.indexOf(column)]!;
  });
}

/** Returns u32[size of the dictionary]: number of rows whose cell contains each value. */
export function countValues(column: MultiColumn, rows: Uint32Array): Uint32Array {
  const { indptr, values, dictionary } = column;
  const events = new Uint32Array(dictionary.size);
  for (const slice of slicesAt([column], inReadingOrder([column], rows))) {
    const { codes } = slice.columns[0] as MultiColumn;
    for (let i = 0; i < slice.rows.length; i++) {
      const cell = codes[slice.rows[i]!]!;
      if (cell === MISSING) continue;
      for (let j = indptr[cell]!; j < indptr[cell + 1]!; j++) events[values[j]!]!++;
    }
  }
  return events;
}

/** Returns u32[dictionary.size]: the field's id for each key of a dictionary, 0 for unknown keys; read-only. */
export function idsOf(field: Pick<CategoricalField, "keys" | "hash">, dictionary: Keys): Uint32Array {
  const own = ownIds.get(field);
  if (own?.dictionary === dictionary) return own.ids;
  if (field.hash) return bucketsOf(dictionary, field.hash).map((bucket) => bucket + 1);
  const index = new KeyIndex(field.keys);
  const ids = new Uint32Array(dictionary.size);
  for (let code = 0; code < ids.length; code++) ids[code] = index.find(dictionary, code) + 1;
  return ids;
}

/** Returns the hash parameters and the number of collisions of each hashed field, by name. */
export function hashingOf({ fields }: FeatureSpace): Record<string, HashStatistics> {
  return Object.fromEntries(
    fields.flatMap((field) =>
      field.kind === "key" && field.hash && "keys" in field.hash ? [[field.name, field.hash]] : [],
    ),
  );
}

/**
 * Returns u32[2 * numFeatures]: the halves of the 64-bit hash of (field, key) for each feature. The key of
 * out-of-vocabulary and numeric features is empty.
 */
export function featureHashes({ fields, offsets, numFeatures }: FeatureSpace): Uint32Array {
  const hashes = new Uint32Array(2 * numFeatures);
  fields.forEach((field, f) => {
    const seed = hashText(field.name);
    const put = (feature: number, bytes: Uint8Array, from: number, to: number) => {
      const { lo, hi } = hashBytes(bytes, from, to, seed);
      hashes[2 * feature] = lo;
      hashes[2 * feature + 1] = hi;
    };
    put(offsets[f]!, new Uint8Array(), 0, 0);
    if (field.kind === "number") return;
    const { bytes, offsets: ends, size } = field.keys;
    for (let i = 0; i < size; i++) put(offsets[f]! + 1 + i, bytes, ends[i]!, ends[i + 1]!);
  });
  return hashes;
}

/**
 * Returns u32[numFeatures]: the index of each feature's field.
 * @param offsets field f owns features [offsets[f], offsets[f + 1])
 */
export function fieldOfFeatures(offsets: ArrayLike<number>): Uint32Array {
  const numFields = offsets.length - 1;
  const fieldOf = new Uint32Array(offsets[numFields]!);
  for (let f = 0; f < numFields; f++) fieldOf.fill(f, offsets[f], offsets[f + 1]);
  return fieldOf;
}

/** Returns u32[numFeatures]: number of events of the training split by feature. */
export function featureCounts({ fields, offsets, numFeatures }: FeatureSpace): Uint32Array {
  const counts = new Uint32Array(numFeatures);
  fields.forEach((field, f) => {
    if (field.kind === "number") counts[offsets[f]!] = field.count;
    else counts.set(field.counts, offsets[f]);
  });
  return counts;
}

export function columnOf(dataset: Dataset, field: Field): Column {
  return inFormOf(columnNamed(dataset, field.name), field);
}

/** Converts a column of numbers to the form of its field, bins or log(1 + x); returns other columns unchanged. */
export function inFormOf(column: Column, field: Field): Column {
  if (column.kind !== "number") return column;
  if (field.kind === "bins") return binColumn(column, field.edges, field.keys);
  return field.kind === "number" && field.log1p ? logColumn(column) : column;
}

interface FieldSize {
  name: string;
  features: number;
  keyBytes: number;
}

/**
 * Returns the features of each column, as `fitFeatures` will find them. The estimate includes keys that --min-users
 * would exclude, and all keys of columns on disk.
 *
 * @param rows u32: rows of the training split
 * @throws {UsageError} the errors of fitFeatures
 */
export function vocabularySize(dataset: Dataset, rows: Uint32Array, limits: VocabularyLimits): FieldSize[] {
  const columns = featureColumns(dataset);
  const categorical = columns.filter(({ kind }) => kind !== "number").map(({ name }) => name);
  const hashed = hashedFields(limits.hash, columns, dataset.roles);
  const limitsOf = limitsByField(limits, categorical, dataset.roles, hashed);
  return columns.map((column) => {
    const { name } = column;
    if (column.kind === "number") return { name, features: 1, keyBytes: name.length };
    const { size, bytes } = column.dictionary;
    const hash = hashed.get(name);
    if (hash) return { name, features: 2 ** hash.bits + 1, keyBytes: 10 * 2 ** hash.bits };
    const { minCount, maxVocab } = limitsOf(name);
    let known = size;
    if (minCount > 1) {
      const events = column.kind === "key" ? countKeys(column, rows) : countValues(column, rows);
      known = events.reduce((sum, count) => sum + (count >= minCount ? 1 : 0), 0);
    }
    const features = Math.min(known, maxVocab) + 1;
    return { name, features, keyBytes: Math.ceil((bytes.length * features) / (size + 1)) };
  });
}

const HOLE = 0xffffffff;

/** Keys of a vocabulary with their numbers of events; the out-of-vocabulary key is not included. */
interface CountedKeys {
  keys: Keys;
  /** number of events of each key, u32[keys.size] */
  counts: Uint32Array;
}

/**
 * Returns the keys in the order of an earlier table, because a network may have its own copy of that table.
 *
 * A key that is in both vocabularies keeps its row, new keys are appended in the vocabulary's order, and a removed key
 * leaves a hole: a row with an empty key, which no cell can have, and no events.
 *
 * @param earlier keys of the field's rows; an empty key denotes a hole, which the result preserves
 */
export function keepRowOrder({ keys, counts }: CountedKeys, earlier: Keys): CountedKeys {
  const index = new KeyIndex(keys);
  const isPlaced = new Uint8Array(keys.size);
  const order: number[] = [];
  for (let row = 0; row < earlier.size; row++) {
    const isHole = earlier.offsets[row] === earlier.offsets[row + 1];
    const code = isHole ? -1 : index.find(earlier, row);
    if (code >= 0) isPlaced[code] = 1;
    order.push(code < 0 ? HOLE : code);
  }
  for (let code = 0; code < keys.size; code++) if (isPlaced[code] === 0) order.push(code);

  const offsets = new Uint32Array(order.length + 1);
  const lengthOf = (code: number) => (code === HOLE ? 0 : keys.offsets[code + 1]! - keys.offsets[code]!);
  order.forEach((code, row) => (offsets[row + 1] = offsets[row]! + lengthOf(code)));
  const bytes = new Uint8Array(offsets[order.length]!);
  order.forEach((code, row) => {
    if (code !== HOLE)
      bytes.set(keys.bytes.subarray(keys.offsets[code], keys.offsets[code + 1]), offsets[row]);
  });
  return {
    keys: { size: order.length, bytes, offsets },
    counts: mapTo(Uint32Array, order, (code) => (code === HOLE ? 0 : counts[code]!)),
  };
}

/** Returns the number of rows of a vocabulary that have no key, because it was removed. */
export function countHoles({ size, offsets }: Keys): number {
  let holes = 0;
  for (let row = 0; row < size; row++) holes += offsets[row] === offsets[row + 1] ? 1 : 0;
  return holes;
}
