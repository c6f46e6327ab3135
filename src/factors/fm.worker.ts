// A thread of the factorization machine's pool.

import type { FmKernel, FmLayout } from "../kernels/fm/binding.js";
import { kernelImports } from "../kernels/shared/load.js";
import { type FmResult, type FmTask, runTask } from "./tasks.js";

/** What the pool is made with. */
export interface FmInit {
  memory: WebAssembly.Memory;
  module: WebAssembly.Module;
  layout: FmLayout;
}

/** Called once in each thread. */
export function start({ memory, module, layout }: FmInit, index: number): (task: FmTask) => FmResult {
  const { exports: kernel } = new WebAssembly.Instance<FmKernel>(module, kernelImports(memory));
  return (task) => runTask(kernel, memory, layout, index, task);
}
