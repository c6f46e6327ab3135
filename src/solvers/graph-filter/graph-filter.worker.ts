// A thread of the pool that scores by a graph filter.

import type { FilterKernel } from "../../kernels/graph-filter/binding.js";
import { kernelImports } from "../../kernels/shared/load.js";
import { runTask, type FilterConstants, type FilterTask } from "./tasks.js";

/** What the pool is made with. */
export interface FilterInit extends FilterConstants {
  memory: WebAssembly.Memory;
  module: WebAssembly.Module;
}

/** Called once in each thread. */
export function start(
  { memory, module, ...constants }: FilterInit,
  index: number,
): (task: FilterTask) => null {
  const { exports: kernel } = new WebAssembly.Instance<FilterKernel>(module, kernelImports(memory));
  return (task) => runTask(kernel, memory, constants, index, task);
}
