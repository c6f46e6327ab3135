// A thread of the pool.

import type { SgnsKernel, SgnsLayout } from "../kernels/sgns/binding.js";
import { kernelImports } from "../kernels/shared/load.js";
import { runTask, type SgnsTask } from "./tasks.js";

/** What the pool is made with. */
export interface SgnsInit {
  memory: WebAssembly.Memory;
  module: WebAssembly.Module;
  layout: SgnsLayout;
}

/** Called once in each thread. */
export function start({ memory, module, layout }: SgnsInit, index: number): (task: SgnsTask) => null {
  const { exports: kernel } = new WebAssembly.Instance<SgnsKernel>(module, kernelImports(memory));
  return (task) => runTask(kernel, layout, index, task);
}
