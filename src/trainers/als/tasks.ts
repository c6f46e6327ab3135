// What a thread of the pool does: takes block after block of rows until none is left.

import type { AlsKernel } from "../../kernels/als/binding.js";

/** Rows of one kernel call. */
const BLOCK_ROWS = 64;
/** Parts that a Gram matrix is summed in: cut by the data, and never by the threads. */
export const GRAM_PARTS = 16;

/** Offsets are bytes of the shared memory. */
export type AlsTask =
  | { kind: "solve"; side: number; numRows: number }
  /** rows: f32[numRows][dim]; sums: a f32[dim][dim] in panels for each part */
  | { kind: "gram"; rows: number; dim: number; numRows: number; sums: number };

/** Works until nothing is left. Which thread takes what changes no bit. */
export function runTask(kernel: AlsKernel, counter: Int32Array, scratch: number, task: AlsTask): null {
  const take = (): number => Atomics.add(counter, 0, 1);
  if (task.kind === "solve") {
    for (let first = take() * BLOCK_ROWS; first < task.numRows; first = take() * BLOCK_ROWS) {
      kernel.solveRows(task.side, scratch, first, Math.min(BLOCK_ROWS, task.numRows - first));
    }
    return null;
  }
  const { rows, dim, numRows, sums } = task;
  for (let part = take(); part < GRAM_PARTS; part = take()) {
    const end = Math.floor(((part + 1) * numRows) / GRAM_PARTS);
    for (let first = Math.floor((part * numRows) / GRAM_PARTS); first < end; first += 1024) {
      kernel.addGram(rows, dim, first, Math.min(1024, end - first), scratch, sums + part * dim * dim * 4);
    }
  }
  return null;
}
