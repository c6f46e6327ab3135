// `embed diff`: what changed from one run's table to another's.

import { KeyIndex } from "../dataset/key-index.js";
import { keysOfRows, keyText, rowsOf, type EmbeddingTable } from "../embedding/table.js";
import { UsageError } from "../errors.js";
import { sampleByKey } from "../evaluation/row-sample.js";
import { diffVectors, type VectorsDiff } from "../evaluation/table-diff.js";
import { version } from "../io/package-version.js";
import { openTable } from "./tables.js";

/** What a row moves by rounding alone: f32 vectors, turned. */
const ROUNDING = 1e-6;

export interface DiffOptions {
  /** one field; all that both have by default */
  field?: string;
  /** neighbours that are compared */
  k: number;
  /** keys that are named as those that moved most */
  top: number;
  table?: string;
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
  /** fields that one of them has */
  onlyInA: string[];
  onlyInB: string[];
  fields: FieldDiff[];
}

/** Compares two tables field by field. @throws {UsageError} they have no field in common, or not the one that is named */
export async function diffRuns(pathA: string, pathB: string, options: DiffOptions): Promise<RunDiff> {
  const [a, b] = [await openTable(pathA, options.table), await openTable(pathB, options.table)];
  const named = options.field === undefined ? undefined : a.fieldNamed(options.field);
  if (named !== undefined) {
    rowsOf(a.table, named);
    rowsOf(b.table, named);
  }
  const common = a.table.fields.filter((field) => b.table.fields.includes(field));
  if (common.length === 0) {
    throw new UsageError(
      `the tables have no field in common: ${a.table.fields.join(", ")} in '${pathA}', ${b.table.fields.join(", ")} in '${pathB}'`,
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

/** What changed, row by row too. */
export interface FieldRowsDiff extends FieldDiff {
  /** f64: displacement of the rows compared, NaN for a row that is zero in one; absent where dimensions differ */
  byRow?: Float64Array;
  /** rows compared, where both have more */
  sampled?: number;
}

/**
 * Compares a field of two tables that both have it.
 *
 * @param most rows compared: of more, those whose keys have the least hashes
 */
export async function diffField(
  field: string,
  a: EmbeddingTable,
  b: EmbeddingTable,
  { k, top, threads, signal }: DiffOptions,
  most = Infinity,
): Promise<FieldRowsDiff> {
  const [inA, inB] = [rowsOf(a, field), rowsOf(b, field)];
  const [keysA, keysB] = [keysOfRows(a, inA), keysOfRows(b, inB)];
  const index = new KeyIndex(keysB);
  const others = Int32Array.from({ length: keysA.size }, (_, row) => index.find(keysA, row));
  const inBoth = [...others.keys()].filter((row) => others[row]! >= 0);
  const both = sampleByKey(keysA, inBoth, most).map((row) => ({ row, other: others[row]! }));
  const rowsAt = ({ vectors, dim }: EmbeddingTable, first: number, rows: number[]) => {
    const out = new Float32Array(rows.length * dim);
    rows.forEach((row, i) =>
      out.set(vectors.subarray((first + row) * dim, (first + row + 1) * dim), i * dim),
    );
    return out;
  };
  const { byRow, ...found } = await diffVectors(
    rowsAt(
      a,
      inA.first,
      both.map(({ row }) => row),
    ),
    rowsAt(
      b,
      inB.first,
      both.map(({ other }) => other),
    ),
    [a.dim, b.dim],
    k,
    { threads, ...(signal && { signal }) },
  );
  const moved = byRow
    ? [...byRow.keys()]
        .filter((i) => byRow[i]! > ROUNDING)
        .sort((i, j) => byRow[j]! - byRow[i]! || i - j)
        .slice(0, top)
        .map((i) => ({ key: keyText(keysA, both[i]!.row), displacement: byRow[i]! }))
    : [];
  return {
    field,
    rows: {
      a: keysA.size,
      b: keysB.size,
      both: inBoth.length,
      gained: keysB.size - inBoth.length,
      lost: keysA.size - inBoth.length,
    },
    ...found,
    ...(byRow && { byRow }),
    ...(both.length < inBoth.length && { sampled: both.length }),
    moved,
  };
}
