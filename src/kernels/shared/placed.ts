// Arrays of 32-bit floats in an arena by name, which need not lie in row-major order, and copying them in and out: for a checkpoint,
// and as a model's parameters.

import type { Arena, Region } from "./memory.js";

/** A matrix, and where in the region each number lies. */
export interface Placed {
  rows: number;
  columns: number;
  region: Region;
  /** index into the region's f32; absent for a row-major matrix that fills the region */
  at?: (row: number, column: number) => number;
}

export type PlacedArrays = ReadonlyMap<string, Placed>;

/** Regions by name as they lie in memory; those that are undefined are left out. */
export function wholeRegions(regions: Readonly<Record<string, Region | undefined>>): PlacedArrays {
  const named = Object.entries(regions).filter((each): each is [string, Region] => each[1] !== undefined);
  return new Map(named.map(([name, region]) => [name, { rows: region.bytes >>> 2, columns: 1, region }]));
}

/** A row-major copy, in memory of its own: what is shared cannot be written to disk. @returns f32[rows * columns] */
export function readPlaced(arena: Arena, { rows, columns, region, at }: Placed): Float32Array {
  const source = arena.f32(region);
  if (!at) return Float32Array.from(source);
  const values = new Float32Array(rows * columns);
  for (let r = 0, i = 0; r < rows; r++) {
    for (let c = 0; c < columns; c++) values[i++] = source[at(r, c)]!;
  }
  return values;
}

/** Writes row-major values. @param values f32[rows * columns] */
export function writePlaced(
  arena: Arena,
  { rows, columns, region, at }: Placed,
  values: ArrayLike<number>,
): void {
  const target = arena.f32(region);
  if (!at) return target.set(values);
  for (let r = 0, i = 0; r < rows; r++) {
    for (let c = 0; c < columns; c++) target[at(r, c)] = values[i++]!;
  }
}

/** Row-major copies by name. */
export function readArrays(arena: Arena, placed: PlacedArrays): Record<string, Float32Array> {
  return Object.fromEntries([...placed].map(([name, where]) => [name, readPlaced(arena, where)]));
}

/** Writes row-major arrays by name. @param valuesOf f32[length], as a checkpoint holds it */
export function writeArrays(
  arena: Arena,
  placed: PlacedArrays,
  valuesOf: (name: string, length: number) => Float32Array,
): void {
  for (const [name, where] of placed) writePlaced(arena, where, valuesOf(name, where.rows * where.columns));
}
