// A thread of the two-tower trainer's pool.

import { kernelImports } from "../../kernels/shared/load.js";
import { TOWER_EVENTS, type TowersKernel } from "../../kernels/two-tower/binding.js";
import { blockKey } from "../../numeric/random.js";

/** What the pool is made with. Offsets are bytes of the shared memory. */
export interface TowersInit {
  memory: WebAssembly.Memory;
  module: WebAssembly.Module;
  plan: number;
  threads: number[];
}

export type TowersTask =
  /**
   * blocks: the order of the blocks, or undefined for the events as they stand; key: of the epoch's permutations; rates: the step size of
   * each block, in the order of visit
   */
  | {
      kind: "train";
      numEvents: number;
      blocks: Uint32Array | undefined;
      key: number;
      negativeKey: number;
      epoch: number;
      rates: Float32Array;
    }
  /** vectors of `count` users, whose struct lies at `users` */
  | { kind: "users"; users: number; count: number; target: number }
  | { kind: "items"; count: number; target: number };

/** Rows of one kernel call. */
const ROWS = 1024;

/** Called once in each thread. Every thread is given the same tasks in the same order. */
export function start(
  { memory, module, plan, threads }: TowersInit,
  index: number,
): (task: TowersTask) => null {
  const { exports: kernel } = new WebAssembly.Instance<TowersKernel>(module, kernelImports(memory));
  const thread = threads[index]!;
  return (task) => {
    if (task.kind !== "train") {
      for (let first = index * ROWS; first < task.count; first += threads.length * ROWS) {
        const count = Math.min(ROWS, task.count - first);
        if (task.kind === "users") kernel.encodeUsers(plan, thread, task.users, first, count, task.target);
        else kernel.encodeItems(plan, thread, first, count, task.target);
      }
      return null;
    }
    const { numEvents, blocks, key, negativeKey, epoch, rates } = task;
    for (let i = 0; i < rates.length; i++) {
      const block = blocks ? blocks[i]! : i;
      const first = block * TOWER_EVENTS;
      const count = Math.min(TOWER_EVENTS, numEvents - first);
      const order = blocks ? blockKey(key, block) : 0;
      if (!kernel.trainEvents(plan, thread, index, first, count, order, negativeKey, epoch, rates[i]!)) break;
    }
    return null;
  };
}
