// A thread of the coordinate machine's pool.

import type { CoordinateKernel } from "../../../kernels/coordinate/binding.js";
import { kernelImports } from "../../../kernels/shared/load.js";
import { runSweep, type SweepPlan, type SweepTask } from "./sweep.js";

/** What the pool is made with. */
export interface SweepInit {
  memory: WebAssembly.Memory;
  module: WebAssembly.Module;
  plan: SweepPlan;
}

/** Called once in each thread. */
export function start({ memory, module, plan }: SweepInit, index: number): (task: SweepTask) => boolean {
  const { exports: kernel } = new WebAssembly.Instance<CoordinateKernel>(module, kernelImports(memory));
  return (task) => runSweep(kernel, plan, index, task);
}
