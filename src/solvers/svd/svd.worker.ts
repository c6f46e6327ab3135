// A thread of the pool that multiplies and combines vectors.

import { kernelImports } from "../../kernels/shared/load.js";
import type { SvdKernel } from "../../kernels/svd/binding.js";
import { runTask, type SvdTask } from "./tasks.js";

/** What the pool is made with; offsets are bytes of the shared memory. */
export interface SvdInit {
  memory: WebAssembly.Memory;
  module: WebAssembly.Module;
  /** u32: how many blocks of a task have been taken */
  counter: number;
  /** one a thread */
  scratches: number[];
}

/** Called once in each thread. */
export function start(
  { memory, module, counter, scratches }: SvdInit,
  index: number,
): (task: SvdTask) => null {
  const { exports: kernel } = new WebAssembly.Instance<SvdKernel>(module, kernelImports(memory));
  return (task) => runTask(kernel, new Int32Array(memory.buffer, counter, 1), scratches[index]!, task);
}
