// A thread of a training's pool.

import { kernelImports } from "../../kernels/shared/load.js";
import type { GbdtKernel, GbdtLayout } from "../../kernels/gbdt/binding.js";
import { lossesOf, takeGradients, type Loss } from "./gradients.js";
import { growTree, type Grown, type GrowTask } from "./grow.js";
import { OwnShare } from "./own-share.js";

/** What the pool is made with. */
export interface GbdtInit {
  memory: WebAssembly.Memory;
  module: WebAssembly.Module;
  layout: GbdtLayout;
  loss: Loss;
}

/** What all threads do together. */
export type GbdtTask =
  | { kind: "gradients" }
  | ({ kind: "tree" } & GrowTask)
  /** the losses of all rows as the scores stand */
  | { kind: "losses" };

export interface GbdtResult {
  /** one thread tells the tree: all have the same */
  tree?: Grown;
  /** losses of this thread's blocks */
  train?: number[];
  valid?: number[];
}

/** Called once in each thread. */
export function start(
  { memory, module, layout, loss }: GbdtInit,
  index: number,
): (task: GbdtTask) => GbdtResult {
  const { exports: kernel } = new WebAssembly.Instance<GbdtKernel>(module, kernelImports(memory));
  const share = new OwnShare(kernel, layout, index, memory.buffer);
  const { numTrain, numRows } = layout;
  return (task) => {
    if (task.kind === "gradients") {
      takeGradients(share, loss);
      return {};
    }
    if (task.kind === "losses")
      return {
        train: lossesOf(share, 0, numTrain, loss),
        valid: lossesOf(share, numTrain, numRows, loss),
      };
    const tree = growTree(share, task);
    return index === 0 ? { tree } : {};
  };
}
