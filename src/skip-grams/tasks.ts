// What a thread of the pool does: its slices of dimensions, at every task.

import type { SgnsKernel, SgnsLayout } from "../kernels/sgns/binding.js";

/** Batches of one kernel call: a call that never returned would never be compiled by the engine's optimiser. */
const CALL = 16;

export type SgnsTask =
  /** hashes: byte offset of a u32[numRows][2] */
  | { kind: "initialise"; hashes: number; seed: number; spread: number }
  /** key: of the epoch's noise; from, to: the learning rate at both ends of the stream */
  | { kind: "train"; numBatches: number; key: number; from: number; to: number };

/** Every thread is given the same tasks in the same order. @param index which thread */
export function runTask(
  kernel: SgnsKernel,
  { plan, threads, numSlices }: SgnsLayout,
  index: number,
  task: SgnsTask,
): null {
  if (task.kind === "initialise") {
    const { hashes, seed, spread } = task;
    for (let j = index; j < numSlices; j += threads.length) kernel.initialise(plan, j, hashes, seed, spread);
    return null;
  }
  const { numBatches, key, from, to } = task;
  for (let first = 0; first < numBatches; first += CALL) {
    const end = Math.min(first + CALL, numBatches);
    if (!kernel.trainBatches(plan, threads[index]!, index, first, end, key, from, to)) break;
  }
  return null;
}
