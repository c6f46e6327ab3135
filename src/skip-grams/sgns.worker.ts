// A thread of the pool.

import type { SgnsKernel, SgnsLayout } from "../kernels/sgns/binding.js";
import { kernelImports } from "../kernels/shared/load.js";
import type { WalksKernel, WalksLayout } from "../kernels/walks/binding.js";
import { runTask, type Kernels, type SgnsTask } from "./tasks.js";

/** What the pool is made with. */
export interface SgnsInit {
  memory: WebAssembly.Memory;
  module: WebAssembly.Module;
  layout: SgnsLayout;
  /** where there is a graph */
  walks?: { module: WebAssembly.Module; layout: WalksLayout };
}

/** Called once in each thread. */
export function start(
  { memory, module, layout, walks }: SgnsInit,
  index: number,
): (task: SgnsTask) => number {
  const instance = <K>(of: WebAssembly.Module) =>
    new WebAssembly.Instance<K>(of, kernelImports(memory)).exports;
  const kernels: Kernels = {
    sgns: instance<SgnsKernel>(module),
    layout,
    ...(walks && { walks: { kernel: instance<WalksKernel>(walks.module), layout: walks.layout } }),
  };
  return (task) => runTask(kernels, index, task);
}
