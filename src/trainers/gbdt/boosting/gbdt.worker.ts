import type { GbdtKernel, GbdtLayout } from "../../../compute/kernels/gbdt/binding.js";
import { kernelThread } from "../../../compute/threads/kernel-thread.js";
import { binPiece, type BinTask } from "./binning.js";
import { takeGradients, type Loss } from "./gradients.js";
import { growTree, type Grown, type GrowTask } from "./grow.js";
import { OwnShare } from "./thread-share.js";

export interface GbdtOwn {
  layout: GbdtLayout;
  loss: Loss;
}

export type BoostingTask =
  | ({ kind: "bin" } & BinTask)
  /** computes gradients and losses from the scores */
  | { kind: "gradients" }
  /** grows a tree; after the last tree of an iteration, also computes the gradients and losses of the new scores */
  | ({ kind: "tree"; isLast: boolean; threads: number } & GrowTask);

/** All threads grow the same tree; only the first one returns it. */
export const start = kernelThread<GbdtKernel, GbdtOwn, BoostingTask, Grown | undefined>(
  ({ kernel, memory, index, own: { layout, loss } }) => {
    const share = new OwnShare(kernel, layout, index, memory.buffer);
    return (task) => {
      share.begin(task.kind === "tree" ? task.threads : layout.numThreads);
      if (task.kind === "bin") binPiece(share, task);
      if (task.kind === "gradients") takeGradients(share, loss);
      if (task.kind !== "tree") return undefined;
      const tree = growTree(share, task);
      if (task.isLast && tree !== "diverged") takeGradients(share, loss);
      return index === 0 ? tree : undefined;
    };
  },
);
