// A thread of a training's pool.

import { kernelImports } from "../../kernels/load.js";
import type { GbdtKernel, GbdtLayout } from "../../kernels/gbdt.js";
import { growTree, lossesOf, type Grown, type GrowTask } from "./grow.js";
import { OwnShare } from "./own-share.js";

/** What the pool is made with. */
export interface GbdtInit {
  memory: WebAssembly.Memory;
  module: WebAssembly.Module;
  layout: GbdtLayout;
}

/** Called once in each thread. A task grows a tree; its result has the losses of this thread's blocks after it. */
export function start({ memory, module, layout }: GbdtInit, index: number): (task: GrowTask) => GrowResult {
  const { exports: kernel } = new WebAssembly.Instance<GbdtKernel>(module, kernelImports(memory));
  const share = new OwnShare(kernel, layout, index, memory.buffer);
  return (task) => {
    const tree = growTree(share, task);
    const losses = (from: number, to: number) => lossesOf(share, from, to, task.options.squared);
    const { numTrain, numRows } = layout;
    // one thread tells the tree: all have the same
    return { ...(index === 0 && { tree }), train: losses(0, numTrain), valid: losses(numTrain, numRows) };
  };
}

export interface GrowResult {
  tree?: Grown;
  /** losses by block */
  train: number[];
  valid: number[];
}
