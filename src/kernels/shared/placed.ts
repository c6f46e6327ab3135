// Matrices in an arena whose numbers are not in row-major order, and copying them in and out.

import type { Arena, Region } from "./memory.js";

/** A matrix, and where in the region each number lies. */
export interface Placed {
  rows: number;
  columns: number;
  region: Region;
  /** index into the region's f32 */
  at: (row: number, column: number) => number;
}

/** A row-major copy. @returns f32[rows * columns] */
export function readPlaced(arena: Arena, { rows, columns, region, at }: Placed): Float32Array {
  const source = arena.f32(region);
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
  for (let r = 0, i = 0; r < rows; r++) {
    for (let c = 0; c < columns; c++) target[at(r, c)] = values[i++]!;
  }
}
