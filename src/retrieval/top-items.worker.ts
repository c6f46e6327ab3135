// A thread of the search for best items: takes block after block until none is left.

import { kernelImports } from "../kernels/shared/load.js";
import { BLOCK_QUERIES, type TopItemsKernel } from "../kernels/top-items/binding.js";

/** What the pool is made with; offsets are bytes of the shared memory. */
export interface SearchInit {
  memory: WebAssembly.Memory;
  module: WebAssembly.Module;
  search: number;
  scratches: number[];
  counter: number;
  numQueries: number;
}

/** Called once in each thread. */
export function start({ memory, module, ...layout }: SearchInit, index: number): () => null {
  const { exports: kernel } = new WebAssembly.Instance<TopItemsKernel>(module, kernelImports(memory));
  const counter = new Int32Array(memory.buffer, layout.counter, 1);
  return () => {
    for (;;) {
      const first = Atomics.add(counter, 0, 1) * BLOCK_QUERIES;
      if (first >= layout.numQueries) return null;
      const numQueries = Math.min(BLOCK_QUERIES, layout.numQueries - first);
      kernel.searchBlock(layout.search, layout.scratches[index]!, first, numQueries);
    }
  };
}
