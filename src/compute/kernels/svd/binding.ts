// Tall matrices are lists of panels of sixteen columns.

import type { SparseRows } from "../als/binding.js";
import type { Arena, Region } from "../shared/memory.js";
import { writeStruct } from "../shared/struct.js";
import { SparsePlan } from "./layout.js";

export type { Kernel as SvdKernel } from "./layout.js";

/** Number of columns of a panel. */
export const PANEL = 16;

/** Pads a number of rows to a multiple of four. */
export function paddedRows(numRows: number): number {
  return Math.ceil(numRows / 4) * 4;
}

/** Allocates a panel of zeros. @throws {UsageError} it does not fit the arena */
export function allocatePanel(arena: Arena, name: string, numRows: number): Region {
  return arena.allocate(`a block of vectors of ${numRows} ${name}`, paddedRows(numRows) * PANEL * 4);
}

/**
 * Copies a sparse matrix into the arena.
 * @param scale,shift byte offsets of the rows' scales (D) and shifts (f), or 0
 * @returns byte offset of the struct
 */
export function allocateSparse(
  arena: Arena,
  { indptr, indices, values }: SparseRows,
  { scale, shift }: { scale: number; shift: number },
): number {
  const entries = `${indices.length} entries`;
  return writeStruct(arena, "a sparse matrix", SparsePlan, {
    indptr: arena.put("its rows", indptr),
    indices: arena.put(entries, indices),
    values: arena.put(entries, values),
    scale,
    shift,
  });
}

/** Returns the index of C[i][j] for `combine`, in panels of eight columns. @param numRows of C, a multiple of 16 */
export function coefficientIndex(numRows: number, i: number, j: number): number {
  return ((j >>> 3) * numRows + i) * 8 + (j & 7);
}
