// A thread of the search of an index: takes queries until none is left.

import { takeDistances, type HnswKernel } from "../../kernels/hnsw/binding.js";
import { kernelImports } from "../../kernels/shared/load.js";

/** What the pool is made with; offsets are bytes of the shared memory. */
export interface SearchInit {
  memory: WebAssembly.Memory;
  module: WebAssembly.Module;
  search: number;
  /** one a thread */
  scratches: number[];
  counter: number;
}

export interface SearchTask {
  numQueries: number;
}

/** Queries of one kernel call: a call that never returned would never be compiled by the engine's optimiser. */
const QUERIES_OF_CALL = 8;

/** Called once in each thread; a task's result is how many distances were computed. */
export function start(init: SearchInit, index: number): (task: SearchTask) => number {
  const { memory, module, search, scratches } = init;
  const { exports: kernel } = new WebAssembly.Instance<HnswKernel>(module, kernelImports(memory));
  const counter = new Int32Array(memory.buffer, init.counter, 1);
  const scratch = scratches[index]!;
  return ({ numQueries }) => {
    let numDistances = 0;
    for (;;) {
      const first = Atomics.add(counter, 0, QUERIES_OF_CALL);
      if (first >= numQueries) return numDistances;
      kernel.searchQueries(search, scratch, first, Math.min(QUERIES_OF_CALL, numQueries - first));
      numDistances += takeDistances({ memory }, scratch);
    }
  };
}
