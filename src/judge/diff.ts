import { keyAt } from "../log/keys.js";
import type { KeyedRows } from "../table/rows.js";
import { rowsOf } from "../table/table.js";
import { UsageError } from "../base/errors.js";
import { samplePlaces, sharedAt, sharedRows } from "../metrics/shared-rows.js";
import { diffVectors, greatest, type VectorsDiff } from "../metrics/table-diff.js";
import { version } from "../base/io/package-version.js";
import { resolved } from "../options/table.js";
import { diffOptions, type DiffOptions } from "../use/options.js";
import { withOpenKeyed, type OpenKeyed } from "../use/tables.js";

/** Maximum number of keys of a field whose neighbors are compared; the time grows with its square. Tests lower it. */
export const comparedNeighbors = { most: 100_000 };

export interface FieldDiffOptions {
  k: number;
  /** number of keys to list, those with the greatest displacements */
  top: number;
  threads: number;
  signal?: AbortSignal;
}

export interface FieldDiff extends Omit<VectorsDiff, "byRow"> {
  field: string;
  rows: { a: number; b: number; both: number; gained: number; lost: number };
  /** number of keys whose neighbors were compared, among each other; absent if these are all keys of both tables */
  neighborKeys?: number;
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
  const { table } = given;
  return await withOpenKeyed(pathA, table, async (a) =>
    withOpenKeyed(pathB, table, async (b) => await diffTables(a, b, [pathA, pathB], given, signal)),
  );
}

async function diffTables(
  a: OpenKeyed,
  b: OpenKeyed,
  [pathA, pathB]: [string, string],
  given: DiffOptions,
  signal: AbortSignal | undefined,
): Promise<RunDiff> {
  const options = { ...resolved(diffOptions, given), signal };
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
    const { byRow: _, sampled: __, ...found } = await diffField(field, a, b, options);
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

export interface FieldRowsDiff extends FieldDiff {
  /** f64: displacement of each compared row, NaN if its vector is zero in a table; absent if the dimensions differ */
  byRow?: Float64Array;
  sampled?: number;
}

/** Compares a field that both tables have. @param most maximum number of rows; those with the least key hashes */
export async function diffField(
  field: string,
  a: KeyedRows,
  b: KeyedRows,
  { k, top, threads, signal }: FieldDiffOptions,
  most = Infinity,
): Promise<FieldRowsDiff> {
  const { keys } = a.table;
  const all = sharedRows(a.table, b.table, field);
  const [both, sizeA, sizeB] = [all.inA.length, numKeysOf(a, field), numKeysOf(b, field)];
  const shared = both > most ? sharedAt(all, samplePlaces(keys, all.inA, most)) : all;
  const { inA } = shared;
  const isLarge = inA.length > comparedNeighbors.most;
  const among = isLarge ? sharedAt(shared, samplePlaces(keys, inA, comparedNeighbors.most)) : undefined;
  const { byRow, ...found } = await diffVectors(a.rows, b.rows, shared, { k, among, threads, signal });
  return {
    field,
    rows: { a: sizeA, b: sizeB, both, gained: sizeB - both, lost: sizeA - both },
    ...found,
    byRow,
    ...(inA.length < both && { sampled: inA.length }),
    ...(among && { neighborKeys: among.inA.length }),
    moved: greatest(byRow, top).map((i) => ({ key: keyAt(keys, inA[i]!), displacement: byRow![i]! })),
  };
}

function numKeysOf({ table }: KeyedRows, field: string): number {
  const { first, last } = rowsOf(table, field);
  return last - first;
}
