// Matrices that lie in an arena in an order of their own; they are copied in and out row-major.

import type { Arena, Region } from "./memory.js";

/** A matrix and where each of its numbers lies. */
export interface Placed {
  rows: number;
  columns: number;
  region: Region;
  /** place in the region, in f32 */
  at: (row: number, column: number) => number;
}

/** A copy of an array. @returns f32[rows * columns] */
export function readPlaced(arena: Arena, { rows, columns, region, at }: Placed): Float32Array {
  const source = arena.f32(region);
  const values = new Float32Array(rows * columns);
  for (let r = 0, i = 0; r < rows; r++) {
    for (let c = 0; c < columns; c++) values[i++] = source[at(r, c)]!;
  }
  return values;
}

/** Puts an array in. @param values f32[rows * columns] */
export function writePlaced(
  arena: Arena,
  { rows, columns, region, at }: Placed,
  values: ArrayLike<number>,
): void {
  const target = arena.f32(region);
  for (let r = 0, i = 0; r < rows; r++) {
    for (let c = 0; c < columns; c++) target[at(r, c)] = values[i++]!;
  }
}
