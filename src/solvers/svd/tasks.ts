// What a thread of the pool does: takes block after block of rows, or part after part of a sum, until none is left.

import type { SvdKernel } from "../../kernels/svd/binding.js";

/** Rows of one kernel call, a multiple of 4. */
const BLOCK_ROWS = 256;
/** Parts that a sum over rows is cut in: by the data, and never by the threads. */
export const PARTS = 16;

/** Offsets are bytes of the shared memory; names are those of kernels/svd/assembly/main.ts. */
export type SvdTask = { numRows: number } & (
  | { kind: "multiply"; matrix: number; source: number; sums: number; target: number }
  | { kind: "scale"; scale: number; source: number; target: number }
  | {
      kind: "combine";
      sources: number;
      numSources: number;
      coefficients: number;
      targets: number;
      numTargets: number;
      adds: boolean;
    }
  /** sums: f64[PARTS][16] */
  | { kind: "sum"; weights: number; source: number; sums: number }
  /** sums: f64[PARTS][16 numSources][16] */
  | { kind: "cross"; sources: number; numSources: number; right: number; sums: number }
);

/** Works until nothing is left. Which thread takes what changes no bit. */
export function runTask(kernel: SvdKernel, counter: Int32Array, scratch: number, task: SvdTask): null {
  const take = (): number => Atomics.add(counter, 0, 1);
  const { numRows } = task;
  const eachPart = (work: (part: number, first: number, count: number) => void): null => {
    for (let part = take(); part < PARTS; part = take()) {
      const first = Math.floor((part * numRows) / PARTS);
      work(part, first, Math.floor(((part + 1) * numRows) / PARTS) - first);
    }
    return null;
  };
  if (task.kind === "sum") {
    const { weights, source, sums } = task;
    return eachPart((part, first, count) =>
      kernel.addRowSums(weights, source, sums + part * 128, first, count),
    );
  }
  if (task.kind === "cross") {
    const { sources, numSources, right, sums } = task;
    const bytes = numSources * 256 * 8;
    return eachPart((part, first, count) =>
      kernel.addCrossProducts(sources, numSources, right, sums + part * bytes, scratch, first, count),
    );
  }
  for (let first = take() * BLOCK_ROWS; first < numRows; first = take() * BLOCK_ROWS) {
    const count = Math.min(BLOCK_ROWS, numRows - first);
    if (task.kind === "multiply")
      kernel.multiplyRows(task.matrix, task.source, task.sums, task.target, first, count);
    else if (task.kind === "scale") kernel.scaleRows(task.scale, task.source, task.target, first, count);
    else {
      const { sources, numSources, coefficients, targets, numTargets, adds } = task;
      kernel.combine(sources, numSources, coefficients, targets, numTargets, adds, scratch, first, count);
    }
  }
  return null;
}
