// Keys of a log of events with the vectors that a run makes of their events: what `transform --fold-in` writes.
//
//   run ──► FoldingIn, once ──► of(log), for each log ──► FoldedKeys ──► rows to write

import { mapTo } from "../../numeric/indices.js";
import { keyAt } from "../../log/keys.js";
import { columnNamed, type Dataset, type KeyColumn } from "../../dataset/dataset.js";
import { DataError, UsageError } from "../../errors.js";
import { once, vectorEncoding, type EncodedRows, type EncodedRowFormat } from "../../export/encoded-rows.js";
import type { Run } from "../../embedding/run-directory.js";
import { listedKeys } from "./listed-keys.js";
import type { FurtherLog } from "../reading/open-as-trained.js";
import type { Transformed, TransformOptions } from "../options/transform-options.js";
import { collectWarnings, type Watch } from "../session/watch.js";

/** A run that is ready to make vectors of events, of one log after another. */
export interface FoldingIn {
  dim: number;
  /** keys have biases beside their vectors */
  biased: boolean;
  /** why a key's vector depends on what else the log holds, a clause; absent where its own events decide it */
  together?: string;
  /** Makes them. @param mayBeNone the log may hold no key that gets a vector */
  of(log: FurtherLog, mayBeNone?: boolean): Promise<FoldedKeys>;
  /** Ends threads. */
  close?(): Promise<void>;
}

/** Readies a run. @throws {UsageError} an option that its kind of model does not take */
export type FoldIn = (run: Run, options: TransformOptions, watch: Watch) => Promise<FoldingIn>;

/** Keys of a column with the vectors that their events give. */
export interface FoldedKeys {
  column: KeyColumn;
  codes: number[];
  /** [dim] a code; undefined where its events say nothing */
  vectors: (ArrayLike<number> | undefined)[];
  /** by code's place; of models with biases */
  biases?: ArrayLike<number>;
  /** what a key without a vector does not do, after "none of these" */
  lack: string;
  notes: string[];
}

/** Options of a folding whose vectors are not written: of the keys in a role, from the events of a log. */
export function foldingOf(log: FurtherLog, field: "user" | "item"): TransformOptions {
  const shape = { format: "jsonl", features: false, force: false } as const;
  return { ...log, ...shape, on: [], foldIn: log.on, field };
}

/** Vectors of the keys of `options.foldIn`. @throws {DataError} none has one */
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

/** What vectors of keys are written as. @param numRows 0 where it is not known */
export function foldedEncoding(name: string, { dim, biased }: FoldingIn, numRows: number): EncodedRowFormat {
  return { ...vectorEncoding(name, dim, numRows), ...(!biased && { unbiased: true as const }) };
}

/** Keys whose events give no vector. */
export function keysWithout({ column, codes, vectors }: FoldedKeys): string[] {
  return codes.flatMap((code, i) => (vectors[i] ? [] : [keyAt(column.dictionary, code)]));
}

/** The keys that have a vector, as rows to write. */
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

/** A note on how many keys have a vector, and of how many events. */
export function keysFrom({ name }: KeyColumn, vectors: FoldedKeys["vectors"], numEvents: number): string {
  return `${vectors.filter((vector) => vector !== undefined).length} keys of '${name}' from ${numEvents} events`;
}

/** The column of that name. @throws {UsageError} it is not one of keys */
export function foldedColumn(dataset: Dataset, name: string): KeyColumn {
  const column = columnNamed(dataset, name);
  if (column.kind === "key") return column;
  throw new UsageError(`--fold-in needs one '${name}' per row, but the column is numeric or multi-valued`);
}
