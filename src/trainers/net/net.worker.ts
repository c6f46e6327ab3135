// A thread of the network's pool.

import { kernelImports } from "../../kernels/shared/load.js";
import type { NetKernel } from "../../kernels/net/binding.js";
import { type NetPlace, type NetTask, runTask } from "./tasks.js";

/** What the pool is made with. */
export interface NetInit {
  memory: WebAssembly.Memory;
  module: WebAssembly.Module;
  place: NetPlace;
}

/** Called once in each thread. */
export function start({ memory, module, place }: NetInit, index: number): (task: NetTask) => null {
  const { exports: kernel } = new WebAssembly.Instance<NetKernel>(module, kernelImports(memory));
  return (task) => runTask(kernel, place, index, task);
}
