// Copies named matrices of f32 in an arena, whose elements need not be in row-major order, to and from row-major
// arrays, such as those of checkpoints and models.

import type { Arena, Region } from "./memory.js";

export interface Placed {
  rows: number;
  columns: number;
  region: Region;
  /** returns the index of an element in the region's f32; absent for a row-major matrix that fills the region */
  at?: (row: number, column: number) => number;
}

export type PlacedArrays = ReadonlyMap<string, Placed>;

/** Returns one-dimensional matrices of whole regions, keyed by their names; undefined regions are omitted. */
export function wholeRegions(regions: Readonly<Record<string, Region | undefined>>): PlacedArrays {
  const named = Object.entries(regions).filter((each): each is [string, Region] => each[1] !== undefined);
  return new Map(named.map(([name, region]) => [name, { rows: region.bytes >>> 2, columns: 1, region }]));
}

/**
 * Returns a row-major copy of a matrix, in unshared memory, because shared memory cannot be written to disk.
 *
 * @returns f32[rows * columns]
 */
export function readPlaced(arena: Arena, { rows, columns, region, at }: Placed): Float32Array {
  const source = arena.f32(region);
  if (!at) return Float32Array.from(source);
  const values = new Float32Array(rows * columns);
  for (let r = 0, i = 0; r < rows; r++) {
    for (let c = 0; c < columns; c++) values[i++] = source[at(r, c)]!;
  }
  return values;
}

/** Writes row-major values to a matrix. @param values f32[rows * columns] */
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

/** Returns row-major copies of the matrices, keyed by their names. */
export function readArrays(arena: Arena, placed: PlacedArrays): Record<string, Float32Array> {
  return Object.fromEntries([...placed].map(([name, where]) => [name, readPlaced(arena, where)]));
}

/**
 * Writes row-major arrays to matrices of the same names.
 * @param valuesOf returns the array of a name, f32[length], such as that of a checkpoint
 */
export function writeArrays(
  arena: Arena,
  placed: PlacedArrays,
  valuesOf: (name: string, length: number) => Float32Array,
): void {
  for (const [name, where] of placed) writePlaced(arena, where, valuesOf(name, where.rows * where.columns));
}
