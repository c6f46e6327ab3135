// A thread of the search for best items: takes block after block until none is left.

import { kernelImports } from "../kernels/shared/load.js";
import type { TopItemsKernel } from "../kernels/top-items/binding.js";

/** What the pool is made with; offsets are bytes of the shared memory. */
export interface SearchInit {
  memory: WebAssembly.Memory;
  module: WebAssembly.Module;
  search: number;
  scratches: readonly number[];
  counter: number;
}

/** Queries that are laid out, and how many of them a thread takes at a time. */
export interface SearchTask {
  numQueries: number;
  blockQueries: number;
}

/** Called once in each thread. */
export function start(
  { memory, module, search, scratches, counter }: SearchInit,
  index: number,
): (task: SearchTask) => null {
  const { exports: kernel } = new WebAssembly.Instance<TopItemsKernel>(module, kernelImports(memory));
  return ({ numQueries, blockQueries }) => {
    // the memory may have grown since the last task
    const taken = new Int32Array(memory.buffer, counter, 1);
    for (;;) {
      const first = Atomics.add(taken, 0, 1) * blockQueries;
      if (first >= numQueries) return null;
      kernel.searchBlock(search, scratches[index]!, first, Math.min(blockQueries, numQueries - first));
    }
  };
}
