// `embed diff`: compares the tables of two runs.

import { keyAt } from "../log/keys.js";
import { keysOfRows, rowsOf, type EmbeddingTable, vectorsAt } from "../embedding/table.js";
import { UsageError } from "../errors.js";
import { sampleByKey } from "../evaluation/row-sample.js";
import { diffVectors, type VectorsDiff } from "../evaluation/table-diff.js";
import { version } from "../io/package-version.js";
import { resolved } from "../training/options/table.js";
import { diffOptions, type DiffOptions } from "./options/diff.js";
import { sharedRows, type SharedRows } from "../evaluation/table-facts.js";
import { openTable } from "./tables.js";

/** Maximum displacement that is attributed to rounding errors of rotated f32 vectors. */
const ROUNDING = 1e-6;

export interface FieldDiffOptions {
  /** number of nearest neighbors that are compared */
  k: number;
  /** number of keys to list, those with the greatest displacements */
  top: number;
  threads: number;
  signal?: AbortSignal;
}

export interface FieldDiff extends Omit<VectorsDiff, "byRow"> {
  field: string;
  rows: { a: number; b: number; both: number; gained: number; lost: number };
  moved: { key: string; displacement: number }[];
}

export interface RunDiff {
  command: "diff";
  version: string;
  a: string;
  b: string;
  dims: { a: number; b: number };
  /** names of the fields that only one of the runs has */
  onlyInA: string[];
  onlyInB: string[];
  fields: FieldDiff[];
}

/** Compares two tables by field. @throws {UsageError} they have no field in common, or lack the requested one */
export async function diffRuns(
  pathA: string,
  pathB: string,
  given: DiffOptions,
  signal?: AbortSignal,
): Promise<RunDiff> {
  const options = { ...resolved(diffOptions, given), signal };
  const [a, b] = [await openTable(pathA, options.table), await openTable(pathB, options.table)];
  const named = options.field === undefined ? undefined : a.fieldNamed(options.field);
  if (named !== undefined) {
    rowsOf(a.table, named);
    rowsOf(b.table, named);
  }
  const common = a.table.fields.filter((field) => b.table.fields.includes(field));
  if (common.length === 0) {
    throw new UsageError(
      `the tables have no field in common: '${pathA}' has ${a.table.fields.join(", ")}, '${pathB}' has ` +
        b.table.fields.join(", "),
    );
  }
  const fields: FieldDiff[] = [];
  for (const field of named === undefined ? common : [named]) {
    const { byRow: _, sampled: __, ...found } = await diffField(field, a.table, b.table, options);
    fields.push(found);
  }
  return {
    command: "diff",
    version,
    a: pathA,
    b: pathB,
    dims: { a: a.table.dim, b: b.table.dim },
    onlyInA: a.table.fields.filter((field) => !common.includes(field)),
    onlyInB: b.table.fields.filter((field) => !common.includes(field)),
    fields,
  };
}

/** Differences between two tables in the vectors of a field, with the displacement of each key's vector. */
export interface FieldRowsDiff extends FieldDiff {
  /** f64: displacement of each compared row, NaN if its vector is zero in a table; absent if the dimensions differ */
  byRow?: Float64Array;
  /** number of compared rows; only if a sample was compared */
  sampled?: number;
}

/**
 * Compares a field that both tables have.
 *
 * @param most maximum number of rows to compare; of more rows, those whose keys have the least hashes are compared
 */
export async function diffField(
  field: string,
  a: EmbeddingTable,
  b: EmbeddingTable,
  { k, top, threads, signal }: FieldDiffOptions,
  most = Infinity,
): Promise<FieldRowsDiff> {
  const [keysA, keysB] = [keysOfRows(a, rowsOf(a, field)), keysOfRows(b, rowsOf(b, field))];
  const shared = sharedRows(a, b, field);
  const both = shared.inA.length;
  const { inA, inB } = both > most ? sampleOf(a, shared, most) : shared;
  const { byRow, ...found } = await diffVectors(vectorsAt(a, inA), vectorsAt(b, inB), [a.dim, b.dim], k, {
    threads,
    signal,
  });
  const moved = byRow
    ? [...byRow.keys()]
        .filter((i) => byRow[i]! > ROUNDING)
        .sort((i, j) => byRow[j]! - byRow[i]! || i - j)
        .slice(0, top)
        .map((i) => ({ key: keyAt(a.keys, inA[i]!), displacement: byRow[i]! }))
    : [];
  return {
    field,
    rows: {
      a: keysA.size,
      b: keysB.size,
      both,
      gained: keysB.size - both,
      lost: keysA.size - both,
    },
    ...found,
    byRow,
    ...(inA.length < both && { sampled: inA.length }),
    moved,
  };
}

/** Returns `most` of the rows that both tables have: those whose keys have the smallest hashes. */
function sampleOf({ keys }: EmbeddingTable, { inA, inB }: SharedRows, most: number): SharedRows {
  const drawn = new Set(sampleByKey(keys, [...inA], most));
  return { inA: inA.filter((row) => drawn.has(row)), inB: inB.filter((_, i) => drawn.has(inA[i]!)) };
}
