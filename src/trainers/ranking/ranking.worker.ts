// A thread of the ranking trainer's pool.

import { kernelImports } from "../../kernels/shared/load.js";
import { blockKey } from "../../numeric/random.js";
import { RANKING_BLOCK, type RankingKernel, type RankingLayout } from "../../kernels/ranking/binding.js";

/** What the pool is made with. */
export interface RankingInit {
  memory: WebAssembly.Memory;
  module: WebAssembly.Module;
  layout: RankingLayout;
  shared: boolean;
}

/** Offsets are bytes of the shared memory. */
export type RankingTask =
  | {
      kind: "initialise";
      numFeatures: number;
      hashes: number;
      counts: number;
      seed: number;
      spread: number;
      accumulator: number;
    }
  /**
   * blocks: the order of the blocks, or undefined for the events as they stand; key: of the epoch's permutations; rates: the step
   * size of each block, in the order of visit, where negatives are shared
   */
  | {
      kind: "train";
      numEvents: number;
      blocks: Uint32Array | undefined;
      key: number;
      negativeKey: number;
      rates: Float32Array;
    }
  | { kind: "propagate" };

/** Called once in each thread. Every thread is given the same tasks in the same order. */
export function start(
  { memory, module, layout, shared }: RankingInit,
  index: number,
): (task: RankingTask) => null {
  const { exports: kernel } = new WebAssembly.Instance<RankingKernel>(module, kernelImports(memory));
  const { plan, threads } = layout;
  const thread = threads[index]!;
  return (task) => {
    if (task.kind === "initialise") {
      const { numFeatures: n, hashes, counts, seed, spread, accumulator } = task;
      const from = Math.floor((index * n) / threads.length);
      const to = Math.floor(((index + 1) * n) / threads.length);
      kernel.initialise(plan, from, to, hashes, counts, seed, spread, accumulator);
      return null;
    }
    if (task.kind === "propagate") {
      kernel.propagateVectors(plan, thread, index);
      return null;
    }
    const { numEvents, blocks, key, negativeKey, rates } = task;
    if (layout.strata) {
      if (!kernel.sortEvents(plan, thread, index, numEvents, negativeKey, blocks !== undefined)) return null;
      for (let round = 0; round < layout.strata.groups; round++) {
        while (kernel.trainBlock(plan, thread, round, negativeKey)) continue;
        if (!kernel.endRound(plan)) break;
      }
      return null;
    }
    for (let i = 0; i < Math.ceil(numEvents / RANKING_BLOCK); i++) {
      const block = blocks ? blocks[i]! : i;
      const first = block * RANKING_BLOCK;
      const numRows = Math.min(RANKING_BLOCK, numEvents - first);
      const of = [
        plan,
        thread,
        index,
        first,
        numRows,
        blocks ? blockKey(key, block) : 0,
        negativeKey,
      ] as const;
      if (!(shared ? kernel.trainContrast(...of, rates[i]!) : kernel.trainPairs(...of))) break;
    }
    return null;
  };
}
