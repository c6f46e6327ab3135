// A thread of a training's pool.

import { kernelImports } from "../../../kernels/shared/load.js";
import type { GbdtKernel, GbdtLayout } from "../../../kernels/gbdt/binding.js";
import { binPiece, type BinTask } from "./binning.js";
import { takeGradients, type Loss } from "./gradients.js";
import { growTree, type Grown, type GrowTask } from "./grow.js";
import { OwnShare } from "./thread-share.js";

/** What the pool is made with. */
export interface GbdtInit {
  memory: WebAssembly.Memory;
  module: WebAssembly.Module;
  layout: GbdtLayout;
  loss: Loss;
}

/** What all threads do together. */
export type GbdtTask =
  | ({ kind: "bin" } & BinTask)
  /** gradients and losses as the scores stand */
  | { kind: "gradients" }
  /** a tree, and after an iteration's last one the gradients and losses of the scores that it leaves */
  | ({ kind: "tree"; isLast: boolean } & GrowTask);

export interface GbdtResult {
  /** one thread tells the tree: all have the same */
  tree?: Grown;
}

/** Called once in each thread. */
export function start(
  { memory, module, layout, loss }: GbdtInit,
  index: number,
): (task: GbdtTask) => GbdtResult {
  const { exports: kernel } = new WebAssembly.Instance<GbdtKernel>(module, kernelImports(memory));
  const share = new OwnShare(kernel, layout, index, memory.buffer);
  return (task) => {
    if (task.kind === "bin") {
      binPiece(share, task);
      return {};
    }
    if (task.kind === "gradients") {
      takeGradients(share, loss);
      return {};
    }
    const tree = growTree(share, task);
    if (task.isLast && tree !== "diverged") takeGradients(share, loss);
    return index === 0 ? { tree } : {};
  };
}
