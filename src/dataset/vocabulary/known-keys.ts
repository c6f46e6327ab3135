// Adds the keys of the run of --init to a vocabulary. They are kept regardless of their counts in this log; limits
// apply to new keys only.
//
//   the run   apple berry cherry            this log   apple 9, date 4, cherry 1, elder 1      --min-count 2
//   fields    apple 9 | date 4 | cherry 1 | berry 0    (descending count, then bytes: keys that the log lacks are last)
//
// A numeric field keeps its mean and deviation, or its bins, because its vector was trained for them.

import { ascending, mapTo } from "../../base/numeric/indices.js";
import { selectKeys, compareKeys, joinedKeys, type Keys } from "../../log/keys.js";
import { UsageError } from "../../base/errors.js";
import { columnNamed, type Dataset } from "../dataset.js";
import { checkBuckets } from "./hash-field.js";
import { countKeys } from "./key-counts.js";
import { KeyIndex } from "./key-index.js";
import { binColumn } from "../numeric.js";
import {
  countValues,
  featureSpace,
  inRowOrder,
  type CategoricalField,
  type RowOrder,
  type FeatureSpace,
  type Field,
} from "./vocabulary.js";

/** Returns the field of an earlier run by its name, without expired keys; undefined if the run lacks the field. */
export type KnownFields = (name: string) => Field | undefined;

/**
 * Returns a space fitted on the rows of a training split, with the keys, scales and bins of the run.
 *
 * @param space result of fitFeatures without a row order; its kinds of fields passed checkKinds
 * @param rowOrder keys of an earlier table's rows, which keep their positions
 */
export function withKnown(
  space: FeatureSpace,
  dataset: Dataset,
  rows: Uint32Array,
  known: KnownFields,
  rowOrder: RowOrder,
): FeatureSpace {
  const fields = space.fields.map((field): Field => {
    const before = known(field.name);
    if (field.kind === "number" || field.kind === "bins")
      return before ? rescaled(field, dataset, rows, before) : field;
    if (field.hash) {
      checkBuckets(field.name, field.hash, rowOrder(field.name));
      return field;
    }
    const whole = before?.kind === field.kind ? withKnownKeys(field, dataset, rows, before.keys) : field;
    return inRowOrder(whole, rowOrder(field.name));
  });
  return featureSpace(fields);
}

/**
 * Compares the kinds of fields.
 * @throws {UsageError} a field has another kind in the run, or was hashed with other parameters
 */
export function checkKinds(space: FeatureSpace, known: KnownFields): void {
  for (const field of space.fields) {
    const before = known(field.name);
    if (before) checkKind(field, before);
  }
}

function checkKind(field: Field, before: Field): void {
  const [was, is] = [kindText(before), kindText(field)];
  if (was === is) return;
  throw new UsageError(
    `'${field.name}' is ${was} in the run of --init but ${is} here: use the same column options, or train ` +
      "without --init",
  );
}

function kindText(field: Field): string {
  switch (field.kind) {
    case "number":
      return field.log1p ? "numeric (log1p)" : "numeric";
    case "bins":
      return "numeric in bins";
    case "multi":
      return "multi-valued";
    default:
      return field.hash ? `hashed to ${field.hash.bits} bits` : "categorical";
  }
}

/** Returns a numeric field with the run's scale or bins, and the counts of this training split. */
function rescaled(field: Field, dataset: Dataset, rows: Uint32Array, before: Field): Field {
  if (before.kind === "number" && field.kind === "number") return { ...before, count: field.count };
  const column = columnNamed(dataset, field.name);
  if (before.kind !== "bins" || column.kind !== "number") return field;
  const counts = countKeys(binColumn(column, before.edges, before.keys), rows);
  return { ...before, counts: withOov(0, counts) };
}

/** Returns the field with those keys of the run added that its limits excluded or that the log lacks. */
function withKnownKeys(
  field: CategoricalField,
  dataset: Dataset,
  rows: Uint32Array,
  known: Keys,
): CategoricalField {
  const column = columnNamed(dataset, field.name);
  if (column.kind === "number") return field;
  const events = column.kind === "key" ? countKeys(column, rows) : countValues(column, rows);
  const [own, inLog] = [new KeyIndex(field.keys), new KeyIndex(column.dictionary)];
  const missing: number[] = [];
  for (let code = 0; code < known.size; code++) {
    // an empty key denotes a hole: a row of the earlier table whose key was removed
    const isHole = known.offsets[code] === known.offsets[code + 1];
    if (!isHole && own.find(known, code) < 0) missing.push(code);
  }
  const added = mapTo(Uint32Array, missing, (code) => {
    const found = inLog.find(known, code);
    return found < 0 ? 0 : events[found]!;
  });

  // sorts all keys by descending count, then by their bytes
  const all = joinedKeys(field.keys, selectKeys(known, Uint32Array.from(missing)));
  const counts = new Uint32Array(all.size);
  counts.set(field.counts.subarray(1));
  counts.set(added, field.keys.size);
  const order = ascending(all.size).sort((a, b) => counts[b]! - counts[a]! || compareKeys(all, a, b));
  const unknown = added.reduce((left, count) => left - count, field.counts[0]!);
  return {
    ...field,
    keys: selectKeys(all, order),
    counts: withOov(
      unknown,
      order.map((code) => counts[code]!),
    ),
  };
}

function withOov(unknown: number, counts: Uint32Array): Uint32Array {
  const all = new Uint32Array(counts.length + 1);
  all[0] = unknown;
  all.set(counts, 1);
  return all;
}
