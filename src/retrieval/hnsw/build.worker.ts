// A thread of the building of an index: nodes of a batch search the graph, then, when all have, nodes are linked back.

import type { HnswKernel } from "../../kernels/hnsw/binding.js";
import { kernelImports } from "../../kernels/shared/load.js";

/** What the pool is made with; offsets are bytes of the shared memory. */
export interface BuildInit {
  memory: WebAssembly.Memory;
  module: WebAssembly.Module;
  graph: number;
  /** one a thread */
  scratches: number[];
  barrier: number;
  /** u32: where batches end in the order of the nodes; the first begins at 1 */
  ends: Uint32Array;
  /** u32, one a batch: nodes taken so far */
  counters: number;
}

/** Batches from .. to - 1. */
export interface BuildTask {
  from: number;
  to: number;
}

/** Nodes of one kernel call: a call that never returned would never be compiled by the engine's optimiser. */
const NODES_OF_CALL = 4;

/** Called once in each thread. */
export function start(init: BuildInit, index: number): (task: BuildTask) => null {
  const { memory, module, graph, scratches, barrier, ends } = init;
  const { exports: kernel } = new WebAssembly.Instance<HnswKernel>(module, kernelImports(memory));
  const counters = new Int32Array(memory.buffer, init.counters, ends.length);
  const scratch = scratches[index]!;
  const numThreads = scratches.length;
  return ({ from, to }) => {
    for (let batch = from; batch < to; batch++) {
      const [first, last] = [ends[batch - 1] ?? 1, ends[batch]!];
      for (;;) {
        const at = first + Atomics.add(counters, batch, NODES_OF_CALL);
        if (at >= last) break;
        kernel.insertNodes(graph, scratch, at, Math.min(last, at + NODES_OF_CALL));
      }
      if (!kernel.barrier(barrier, numThreads)) return null;
      for (let at = first; at < last; at += NODES_OF_CALL)
        kernel.linkBack(graph, scratch, at, Math.min(last, at + NODES_OF_CALL), index, numThreads);
      if (!kernel.barrier(barrier, numThreads)) return null;
    }
    return null;
  };
}
