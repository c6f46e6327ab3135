import type { Arena, Region } from "../shared/memory.js";
import { writeStruct } from "../shared/struct.js";
import { Plan, SWEEP_BLOCK } from "./layout.js";

export { SWEEP_BLOCK };
export type { Kernel as InverseKernel } from "./layout.js";

/** Addresses of the matrix and of the kernel's other arrays. */
export interface InverseLayout {
  plan: number;
  /** number of rows and of columns, a multiple of SWEEP_BLOCK */
  size: number;
  /** the matrix to invert, f32[size][size] */
  matrix: Region;
  /** f32[SWEEP_BLOCK][SWEEP_BLOCK]: inverse of the diagonal block that is being swept */
  pivot: Region;
  /** byte offset of each thread's buffer for a tile of a matrix product */
  tiles: number[];
}

/** Allocates a matrix of n rows, and the kernel's other arrays. @throws {UsageError} they do not fit */
export function allocateInverse(arena: Arena, n: number, threads: number): InverseLayout {
  const size = Math.ceil(n / SWEEP_BLOCK) * SWEEP_BLOCK;
  const matrix = arena.allocate("a matrix to invert", size * size * 4);
  const panel = arena.allocate("a panel of it", size * SWEEP_BLOCK * 4);
  const left = arena.allocate("a panel of it", size * SWEEP_BLOCK * 4);
  const pivot = arena.allocate("a block of it", SWEEP_BLOCK * SWEEP_BLOCK * 4);
  const plan = writeStruct(arena, "a plan", Plan, { size, matrix, panel, left, pivot });
  const tiles = Array.from({ length: threads }, () => arena.allocate("a tile", 128).offset);
  return { plan, size, matrix, pivot, tiles };
}
