// The vocabulary of a warm-started training, for any model: it contains the keys of the run of --init that have not
// expired.
//
//   run of --init ──► its keys, without expired keys ──► vocabulary ──► `from`: the run's feature of each key, or NONE
//                └──► when each key was last seen ──► the same for the new run
//   arrays with a row per feature of the run ──► rows by feature of the vocabulary
//
// --row-order keeps the row numbers of a run's table, with or without --init.

import { mapTo } from "../../base/numeric/indices.js";
import { expiryOf, newestEvent, newestTimes, NEVER } from "../../dataset/vocabulary/last-seen.js";
import { selectKeys } from "../../log/keys.js";
import { timeColumn, type Dataset } from "../../dataset/dataset.js";
import {
  spaceInRowOrder,
  type RowOrder,
  type FeatureSpace,
  type Field,
  countHoles,
} from "../../dataset/vocabulary/vocabulary.js";
import { KeyIndex } from "../../dataset/vocabulary/key-index.js";
import { checkKinds, withKnown } from "../../dataset/vocabulary/known-keys.js";
import { UNKNOWN, type KeyHistory } from "../../table/key-history.js";
import type { Carried } from "../../table/manifest.js";
import { openRun } from "../../table/run-directory.js";
import { keysOfRows, rowsOf } from "../../table/table.js";
import { tableFeatures } from "../examples/feature-table.js";
import type { GivenTraining } from "../shared-options/log.js";
import type { InitRun } from "./init-run.js";

/** In `from` (the earlier run's feature for each feature of this training): a feature that the run lacks. */
export const NONE = 0xffffffff;

/** A vocabulary that was fitted on the training split, before keys or row numbers of other runs are added. */
export interface FittedVocabulary {
  fitted: FeatureSpace;
  dataset: Dataset;
  /** u32: rows of the training split */
  rows: Uint32Array;
  /** keys of the table of --row-order, which keep their row numbers */
  rowOrder: RowOrder;
}

/** Features of a training, and the time when each key was last seen. */
export interface Vocabulary {
  space: FeatureSpace;
  history: KeyHistory;
  notes: string[];
  warnings: string[];
}

/** A vocabulary with the keys of the run that --init names. */
export interface CarriedVocabulary extends Vocabulary {
  /** u32[numFeatures]: the run's feature with the same key, or NONE */
  from: Uint32Array;
  carried: Carried;
  added: string[];
}

/** Returns this log's own vocabulary, in the order of --row-order. @throws {UsageError} a field was hashed differently */
export function ownVocabulary({ fitted, dataset, rowOrder }: FittedVocabulary): Vocabulary {
  const space = spaceInRowOrder(fitted, rowOrder);
  return { space, history: nextHistory(space, dataset), notes: [], warnings: [] };
}

/**
 * Adds the keys of the run that --init names to the fitted vocabulary, and counts known, new and expired keys.
 *
 * @throws {UsageError} a field's kind differs, keys should expire by time but the log has none, or --row-order keeps
 *   rows of a field that must grow
 */
export function carryKeys(
  { run, space: before, history }: InitRun,
  { fitted, dataset, rows, rowOrder }: FittedVocabulary,
  { expire }: Pick<GivenTraining, "expire">,
): CarriedVocabulary {
  const isHere = (name: string) => fitted.fields.some((field) => field.name === name);
  const fieldBefore = (name: string) => before.fields.find((field) => field.name === name);
  checkKinds(fitted, fieldBefore);

  // finds the known keys that this log contains, and the expired keys
  const seen = newestTimes(before, dataset, isHere);
  const isGone = expiryOf(expire, newestEvent(dataset));
  const expired = mapTo(Uint8Array, seen, (time, feature) => {
    const last = history.lastSeen[feature]!;
    return time === NEVER && isGone(last === UNKNOWN ? undefined : Number(last), history.missed[feature]! + 1)
      ? 1
      : 0;
  });
  const known = new Map(
    before.fields.map((field, f) => [field.name, withoutExpired(field, expired, before.offsets[f]!)]),
  );
  const space = withKnown(fitted, dataset, rows, (name) => known.get(name), rowOrder);
  const from = featuresFrom(space, before);
  const carried = { run: run.path, ...countCarried(space, before, from, seen) };
  return {
    ...{ space, from, carried },
    history: nextHistory(space, dataset, history, from),
    added: space.fields.flatMap(({ name }) => (fieldBefore(name) ? [] : [name])),
    notes: [
      `warm start from '${run.path}': ${carried.kept} keys kept (${carried.unseen} not in this log), ` +
        `${carried.new} new, ${carried.expired} expired`,
    ],
    warnings: before.fields
      .filter(({ name }) => !isHere(name))
      .map(({ name }) => `field '${name}' of run '${run.path}' is not in this log: its rows are dropped`),
  };
}

/** Removes expired keys from a field. The vocabulary of binned and hashed fields is fixed, and remains unchanged. */
function withoutExpired(field: Field, expired: Uint8Array, offset: number): Field {
  if (field.kind === "number" || field.kind === "bins" || field.hash) return field;
  const stay: number[] = [];
  for (let code = 0; code < field.keys.size; code++) if (!expired[offset + 1 + code]) stay.push(code);
  return { ...field, keys: selectKeys(field.keys, Uint32Array.from(stay)) };
}

/** Warns about fields that the run of --init lacks, so that the vectors of all their keys are initialized at random. */
export function addedWarnings(
  { run }: Pick<InitRun, "run">,
  { added }: Pick<CarriedVocabulary, "added">,
): string[] {
  return added.map(
    (name) => `field '${name}' is not in run '${run.path}': its keys are initialized at random`,
  );
}

/** Returns u32[numFeatures]: the feature with the same field and key in the earlier feature space, or NONE. */
export function featuresFrom(space: FeatureSpace, before: FeatureSpace): Uint32Array {
  const from = new Uint32Array(space.numFeatures).fill(NONE);
  space.fields.forEach((field, f) => {
    const e = before.fields.findIndex(({ name }) => name === field.name);
    if (e < 0) return;
    const [offset, earlier] = [space.offsets[f]!, before.offsets[e]!];
    from[offset] = earlier;
    const fieldBefore = before.fields[e]!;
    if (field.kind === "number" || fieldBefore.kind === "number") return;
    const index = new KeyIndex(fieldBefore.keys);
    for (let code = 0; code < field.keys.size; code++) {
      // an unused row number (--row-order) has an empty key, which matches neither a key nor an unused row of the run
      if (field.keys.offsets[code] === field.keys.offsets[code + 1]) continue;
      const found = index.find(field.keys, code);
      if (found >= 0) from[offset + 1 + code] = earlier + 1 + found;
    }
  });
  return from;
}

/** Returns `from` with NONE for out-of-vocabulary features, because the run has no vectors for them. */
export function withoutUnknown(from: Uint32Array, { fields, offsets }: FeatureSpace): Uint32Array {
  const own = from.slice();
  for (const [f, { kind }] of fields.entries()) if (kind !== "number") own[offsets[f]!] = NONE;
  return own;
}

/** Returns u8[numFeatures]: 1 for features that are in the run. */
export function knownFeatures(from: Uint32Array): Uint8Array {
  return mapTo(Uint8Array, from, (feature) => (feature === NONE ? 0 : 1));
}

/** Rearranges arrays of the run, with a row of any width per feature, by the new vocabulary's features; new rows are 0. */
export function carryRows<A extends { [Name in keyof A]: Float32Array | undefined }>(
  arrays: A,
  from: Uint32Array,
  { numFeatures }: Pick<FeatureSpace, "numFeatures">,
): A {
  const carried = Object.entries<Float32Array | undefined>(arrays).map(([name, rows]) => [
    name,
    rows && carryBlocks(rows, from, { numFeatures, places: [0] }),
  ]);
  return Object.fromEntries(carried) as A;
}

/**
 * Rearranges rows that consist of several blocks by feature of the new vocabulary; new features and new blocks are 0.
 *
 * @param places for each block of a new row, the index (below `numBlocks`) of the block of the run's row that is copied
 * to it; negative if the block is new
 */
export function carryBlocks(
  rows: Float32Array,
  from: Uint32Array,
  {
    numFeatures,
    numBlocks = 1,
    places,
  }: { numFeatures: number; numBlocks?: number | undefined; places: readonly number[] },
): Float32Array {
  const width = rows.length / numFeatures / numBlocks;
  const all = new Float32Array(from.length * places.length * width);
  from.forEach((earlier, feature) => {
    if (earlier === NONE) return;
    places.forEach((place, block) => {
      const source = (earlier * numBlocks + place) * width;
      if (place >= 0)
        all.set(rows.subarray(source, source + width), (feature * places.length + block) * width);
    });
  });
  return all;
}

/** Counts keys without out-of-vocabulary features, in total and by field. */
export function countCarried(
  space: FeatureSpace,
  before: FeatureSpace,
  from: Uint32Array,
  seen: Float64Array,
): Omit<Carried, "run"> {
  const fields = space.fields.map((field, f) => {
    const counts = { kept: 0, unseen: 0, new: 0, expired: 0 };
    if (field.kind === "number") return counts;
    const isKey = (i: number) => field.keys.offsets[i] !== field.keys.offsets[i + 1];
    for (let i = 0; i < field.keys.size; i++) {
      if (!isKey(i)) continue;
      const earlier = from[space.offsets[f]! + 1 + i]!;
      if (earlier === NONE) counts.new++;
      else counts.kept++;
      if (earlier !== NONE && seen[earlier] === NEVER) counts.unseen++;
    }
    const fieldBefore = before.fields.find(({ name }) => name === field.name);
    if (fieldBefore && fieldBefore.kind !== "number")
      counts.expired = fieldBefore.keys.size - countHoles(fieldBefore.keys) - counts.kept;
    return counts;
  });
  const sum = (name: "kept" | "unseen" | "new" | "expired") =>
    fields.reduce((total, counts) => total + counts[name], 0);
  return {
    kept: sum("kept"),
    unseen: sum("unseen"),
    new: sum("new"),
    expired: sum("expired"),
    fields: Object.fromEntries(space.fields.map(({ name }, f) => [name, fields[f]!])),
  };
}

/**
 * Returns the times when the keys of the new run's table were last seen.
 *
 * @param before history by feature of the run that --init names
 * @param from u32[numFeatures]: that run's feature with the same key, or NONE; absent without --init
 */
export function nextHistory(
  space: FeatureSpace,
  dataset: Dataset,
  before: KeyHistory = { lastSeen: new BigInt64Array(), missed: new Uint32Array() },
  from?: Uint32Array,
): KeyHistory {
  const hasTimes = timeColumn(dataset) !== undefined;
  const features = tableFeatures(space);
  const next = { lastSeen: new BigInt64Array(features.length), missed: new Uint32Array(features.length) };
  // if the first log has no times, it is unknown when its keys were seen
  if (!hasTimes && !from) return { ...next, lastSeen: next.lastSeen.fill(UNKNOWN) };
  const seen = newestTimes(space, dataset);
  features.forEach((feature, row) => {
    const earlier = from?.[feature] ?? NONE;
    const last = earlier === NONE ? UNKNOWN : before.lastSeen[earlier]!;
    const isSeen = seen[feature] !== NEVER;
    const now = isSeen && hasTimes ? BigInt(Math.trunc(seen[feature]!)) : UNKNOWN;
    next.lastSeen[row] = now > last ? now : last;
    next.missed[row] = isSeen || earlier === NONE ? 0 : before.missed[earlier]! + 1;
  });
  return next;
}

/** Reads the keys of each field's rows in the table of --row-order. @param path undefined: no row numbers are kept */
export async function readRowOrder(path: string | undefined): Promise<RowOrder> {
  if (path === undefined) return () => undefined;
  const table = await (await openRun(path)).readKeys();
  return (field) => (table.fields.includes(field) ? keysOfRows(table, rowsOf(table, field)) : undefined);
}

/** Returns a sentence for each field whose row numbers are kept, with the numbers of appended and of empty rows. */
export function rowOrderNotes({ fields }: FeatureSpace, rowOrder: RowOrder): string[] {
  return fields.flatMap((field) => {
    if (field.kind === "number" || field.kind === "bins" || field.hash) return [];
    const before = rowOrder(field.name);
    if (!before) return [];
    return [
      `'${field.name}' keeps the order of ${before.size} rows: ${field.keys.size - before.size} appended, ` +
        `${countHoles(field.keys)} empty`,
    ];
  });
}
