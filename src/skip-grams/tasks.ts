// What a thread of the pool does: its slices of dimensions and its share of the walks, at every task.

import type { SgnsKernel, SgnsLayout } from "../kernels/sgns/binding.js";
import { WALKS_OF_CALL, type WalksKernel, type WalksLayout } from "../kernels/walks/binding.js";

/** Batches of one kernel call: a call that never returned would never be compiled by the engine's optimiser. */
const CALL = 16;

export type SgnsTask =
  /** hashes: byte offset of a u32[numRows][2] */
  | { kind: "initialise"; hashes: number; seed: number; spread: number }
  /** key: of the epoch's noise; from, to: the learning rate at both ends of the stream */
  | { kind: "train"; numBatches: number; key: number; from: number; to: number }
  /** walks from .. to of the epoch that the key names, which become the stream */
  | { kind: "walk"; from: number; to: number; key: number };

/** What a thread works with. */
export interface Kernels {
  sgns: SgnsKernel;
  layout: SgnsLayout;
  walks?: { kernel: WalksKernel; layout: WalksLayout };
}

/**
 * Every thread is given the same tasks in the same order.
 *
 * @param index which thread
 * @returns of walks, the nodes that see another, in this thread's share; else 0
 */
export function runTask({ sgns, layout, walks }: Kernels, index: number, task: SgnsTask): number {
  const { plan, threads, numSlices } = layout;
  if (task.kind === "initialise") {
    const { hashes, seed, spread } = task;
    for (let j = index; j < numSlices; j += threads.length) sgns.initialise(plan, j, hashes, seed, spread);
    return 0;
  }
  if (task.kind === "walk") {
    let centres = 0;
    const step = threads.length * WALKS_OF_CALL;
    for (let first = task.from + index * WALKS_OF_CALL; first < task.to; first += step) {
      const end = Math.min(first + WALKS_OF_CALL, task.to);
      centres += walks!.kernel.writeWalks(walks!.layout.plan, task.from, first, end, task.key);
    }
    return centres;
  }
  const { numBatches, key, from, to } = task;
  for (let first = 0; first < numBatches; first += CALL) {
    const end = Math.min(first + CALL, numBatches);
    if (!sgns.trainBatches(plan, threads[index]!, index, first, end, key, from, to)) break;
  }
  return 0;
}
