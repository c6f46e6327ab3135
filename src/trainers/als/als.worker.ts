// A thread of the least-squares pool.

import type { AlsKernel } from "../../kernels/als/binding.js";
import { kernelImports } from "../../kernels/shared/load.js";
import { runTask, type AlsTask } from "./tasks.js";

/** What the pool is made with; offsets are bytes of the shared memory. */
export interface AlsInit {
  memory: WebAssembly.Memory;
  module: WebAssembly.Module;
  /** u32: how many blocks of a task have been taken */
  counter: number;
  /** one a thread */
  scratches: number[];
}

/** Called once in each thread. */
export function start(
  { memory, module, counter, scratches }: AlsInit,
  index: number,
): (task: AlsTask) => null {
  const { exports: kernel } = new WebAssembly.Instance<AlsKernel>(module, kernelImports(memory));
  return (task) => runTask(kernel, new Int32Array(memory.buffer, counter, 1), scratches[index]!, task);
}
