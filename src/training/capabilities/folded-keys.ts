// Computes vectors for the keys of a log from their events (folding in). `transform --fold-in` writes the same vectors.
//
//   run ──► FoldingIn, once ──► of(log), for each log ──► FoldedKeys ──► rows to write

import { mapTo } from "../../base/numeric/indices.js";
import { keyAt } from "../../log/keys.js";
import { columnNamed, type Dataset, type KeyColumn } from "../../dataset/dataset.js";
import { DataError, UsageError, excerpt } from "../../base/errors.js";
import { once, vectorEncoding, type EncodedRows, type EncodedRowFormat } from "../../export/encoded-rows.js";
import type { Run } from "../../table/run-directory.js";
import type { FurtherLog } from "../reading/open-as-trained.js";
import type { Transformed, TransformOptions } from "../shared-options/transform-options.js";
import { collectWarnings, type Watch } from "../session/watch.js";
import { idsOf } from "../../dataset/vocabulary/vocabulary.js";
import type { RunSpace } from "./run-space.js";

/** A run that is ready to compute vectors of keys from the events of any number of logs. */
export interface FoldingIn {
  dim: number;
  biased: boolean;
  /** clause with the reason why a key's vector also depends on other keys of the log; absent if it does not */
  together?: string;
  /** Computes the vectors of a log's keys. @param mayBeNone true to accept a log in which no key gets a vector */
  of(log: FurtherLog, mayBeNone?: boolean): Promise<FoldedKeys>;
  close?(): Promise<void>;
}

/** Prepares a run for folding in keys. @throws {UsageError} its model does not support an option */
export type FoldIn = (run: Run, options: TransformOptions, watch: Watch) => Promise<FoldingIn>;

/** Keys of a column with the vectors that were computed from their events. */
export interface FoldedKeys {
  column: KeyColumn;
  codes: number[];
  /** vector of each key in `codes`, of `dim` numbers; undefined if the key's events do not determine one */
  vectors: (ArrayLike<number> | undefined)[];
  /** bias of each key in `codes`; only for models with biases */
  biases?: ArrayLike<number>;
  /** predicate of "none of these ...", in the message that none of some keys has a vector: `has an event` */
  lack: string;
  notes: string[];
}

/** Returns transform options that fold in the keys of a role from the events of a log, and do not write the vectors. */
export function foldingOf(log: FurtherLog, field: "user" | "item"): TransformOptions {
  const shape = { format: "jsonl", features: false, force: false } as const;
  return { ...log, ...shape, on: [], foldIn: log.on, field };
}

/** Computes the rows to write for the keys of `options.foldIn`. @throws {DataError} no key gets a vector */
export async function foldedRows(
  run: Run,
  foldIn: FoldIn,
  options: TransformOptions,
  outer: Watch,
): Promise<Transformed> {
  const { watch, warnings, warn } = collectWarnings(outer);
  const folding = await foldIn(run, options, watch);
  try {
    const found = await folding.of({ ...options, on: options.foldIn! });
    const { column, codes, lack, notes } = found;
    const without = keysWithout(found);
    if (without.length === codes.length)
      throw new DataError(
        `no vectors computed: none of the ${codes.length} keys of '${column.name}' ${lack}`,
        {
          file: options.foldIn!.join(", "),
        },
      );
    if (without.length > 0)
      warn(
        `${without.length} of ${codes.length} keys of '${column.name}' get no vector because none of them ` +
          `${lack}: ${listedKeys(without)}`,
      );
    for (const text of notes) watch.observe({ stage: "note", text });
    const rows = rowsOfFolded(found, folding.dim);
    return { encoding: foldedEncoding(column.name, folding, rows.numRows), rows: once(rows), warnings };
  } finally {
    await folding.close?.();
  }
}

/** Returns the encoding format of folded-in vectors. @param numRows number of rows, or 0 if it is unknown */
export function foldedEncoding(name: string, { dim, biased }: FoldingIn, numRows: number): EncodedRowFormat {
  return { ...vectorEncoding(name, dim, numRows), ...(!biased && { unbiased: true as const }) };
}

/** Returns the keys for which no vector could be computed from their events. */
export function keysWithout({ column, codes, vectors }: FoldedKeys): string[] {
  return codes.flatMap((code, i) => (vectors[i] ? [] : [keyAt(column.dictionary, code)]));
}

/** Returns the keys that have a vector, as rows to write. */
export function rowsOfFolded({ column, codes, vectors, biases }: FoldedKeys, dim: number): EncodedRows {
  const found = codes.flatMap((code, i) => (vectors[i] ? [{ code, vector: vectors[i], at: i }] : []));
  const values = new Float32Array(found.length * dim);
  found.forEach(({ vector }, i) => values.set(vector, i * dim));
  const { bytes, offsets } = column.dictionary;
  return {
    numRows: found.length,
    values,
    keyOf: (row) => bytes.subarray(offsets[found[row]!.code], offsets[found[row]!.code + 1]),
    labels: new Float32Array(found.length),
    ...(biases && { biases: mapTo(Float32Array, found, ({ at }) => biases[at]!) }),
  };
}

/** Returns a note on the number of keys that have a vector, and on the number of their events. */
export function keysFrom({ name }: KeyColumn, vectors: FoldedKeys["vectors"], numEvents: number): string {
  return `${vectors.filter((vector) => vector !== undefined).length} keys of '${name}' from ${numEvents} events`;
}

/** Returns the key column with the given name. @throws {UsageError} it is numeric or multi-valued */
export function foldedColumn(dataset: Dataset, name: string): KeyColumn {
  const column = columnNamed(dataset, name);
  if (column.kind === "key") return column;
  throw new UsageError(`--fold-in needs one '${name}' per row, but the column is numeric or multi-valued`);
}

const MOST_LISTED = 5;

/** Returns a text with the first five keys and the number of the other keys. */
export function listedKeys(keys: readonly string[]): string {
  const rest = keys.length - MOST_LISTED;
  return `${keys.slice(0, MOST_LISTED).map(excerpt).join(", ")}${rest > 0 ? ` and ${rest} more` : ""}`;
}

export interface NewKeys {
  side: "user" | "item";
  column: KeyColumn;
  /** index, in the feature space, of the field of users or items that has new keys */
  f: number;
  /** codes of the new keys, in order of first appearance */
  codes: number[];
}

/**
 * Returns the new users or the new items of a dataset. If there are both, returns the users, as in `recall --fold-in`.
 *
 * @param given which of the two is requested; by default, whichever the dataset has
 * @param mayBeNone true to accept that there are no new keys of the requested kind
 * @throws {UsageError} there are no new keys, or none of the requested kind
 */
export function newKeysOf(
  { space, preprocess }: Pick<RunSpace, "space" | "preprocess">,
  dataset: Dataset,
  { given, mayBeNone = false }: { given?: NewKeys["side"] | undefined; mayBeNone?: boolean | undefined },
  watch?: Watch,
): NewKeys {
  const sides = (["user", "item"] as const).flatMap((side): NewKeys[] => {
    const name = preprocess.roles[side];
    const f = space.fields.findIndex((field) => field.name === name);
    const field = space.fields[f];
    if (name === undefined || field?.kind !== "key") return [];
    if (field.hash) {
      if (given !== side) return [];
      throw new UsageError(`--fold-in: field '${name}' is hashed, so every key already has a vector`);
    }
    const column = columnNamed(dataset, name);
    if (column.kind !== "key") return [];
    const ids = idsOf(field, column.dictionary);
    const codes = Array.from(ids.keys()).filter((code) => ids[code] === 0);
    return [{ side, column, f, codes }];
  });
  if (given) {
    const side = sides.find((one) => one.side === given);
    if (!side) throw new UsageError(`--field ${given}: the run has no ${given} field`);
    if (side.codes.length > 0 || mayBeNone) return side;
    throw new UsageError(`--fold-in: the events have no new keys of '${side.column.name}'`);
  }
  const [first, other] = sides.filter(({ codes }) => codes.length > 0);
  if (!first) throw new UsageError("--fold-in: the events have no new users or items");
  if (other)
    watch?.observe({
      stage: "warning",
      text:
        `the events have new users and new items: vectors are computed for the ${first.codes.length} new users, and ` +
        `the ${other.codes.length} new items are ignored: --field item computes theirs`,
    });
  return first;
}

/** Returns the rows of the dataset that contain each new key. */
export function rowsOfKeys({ column, codes }: NewKeys): number[][] {
  const placeOf = new Map(codes.map((code, place) => [code, place]));
  const rows = codes.map((): number[] => []);
  column.codes.forEach((code, row) => {
    const place = placeOf.get(code);
    if (place !== undefined) rows[place]!.push(row);
  });
  return rows;
}
