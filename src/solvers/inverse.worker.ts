// A thread of an inversion: takes block after block of rows until none is left.

import { SWEEP_BLOCK, type InverseKernel, type InverseLayout } from "../kernels/inverse/binding.js";
import { kernelImports } from "../kernels/shared/load.js";

/** What the pool is made with. */
export interface InverseInit {
  memory: WebAssembly.Memory;
  module: WebAssembly.Module;
  layout: InverseLayout;
}

/** A half of the sweep of the block that begins at column k. */
export interface InverseTask {
  kind: "prepare" | "sweep";
  k: number;
}

/** Called once in each thread. */
export function start({ memory, module, layout }: InverseInit, index: number): (task: InverseTask) => null {
  const { exports: kernel } = new WebAssembly.Instance<InverseKernel>(module, kernelImports(memory));
  const counter = new Int32Array(memory.buffer, layout.counter.offset, 1);
  const { plan, size, tiles } = layout;
  return ({ kind, k }) => {
    const numBlocks = size / SWEEP_BLOCK;
    for (let block = Atomics.add(counter, 0, 1); block < numBlocks; block = Atomics.add(counter, 0, 1)) {
      // the last rows have the most columns: they go first
      const first = (numBlocks - 1 - block) * SWEEP_BLOCK;
      if (kind === "prepare") kernel.preparePanel(plan, k, first, SWEEP_BLOCK);
      else kernel.sweepRows(plan, k, first, tiles[index]!);
    }
    return null;
  };
}
