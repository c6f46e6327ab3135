// A thread that sends rows through a forest.

import { kernelImports } from "../../../kernels/shared/load.js";
import type { GbdtKernel } from "../../../kernels/gbdt/binding.js";
import { runScoring, type ScoringLayout, type ScoringTask } from "./scoring.js";

/** What the pool is made with. */
export interface ForestInit {
  memory: WebAssembly.Memory;
  module: WebAssembly.Module;
  layout: ScoringLayout;
}

/** Called once in each thread. */
export function start({ memory, module, layout }: ForestInit, index: number): (task: ScoringTask) => boolean {
  const { exports: kernel } = new WebAssembly.Instance<GbdtKernel>(module, kernelImports(memory));
  return (task) => runScoring(kernel, layout, index, task);
}
