// A thread of a training.

import type { GbdtKernel, GbdtLayout } from "../../../kernels/gbdt/binding.js";
import { kernelThread } from "../../../workers/kernel-thread.js";
import { binPiece, type BinTask } from "./binning.js";
import { takeGradients, type Loss } from "./gradients.js";
import { growTree, type Grown, type GrowTask } from "./grow.js";
import { OwnShare } from "./thread-share.js";

/** What is trained. */
export interface GbdtOwn {
  layout: GbdtLayout;
  loss: Loss;
}

/** What all threads do together. */
export type GbdtTask =
  | ({ kind: "bin" } & BinTask)
  /** gradients and losses as the scores stand */
  | { kind: "gradients" }
  /** a tree, and after an iteration's last one the gradients and losses of the scores that it leaves */
  | ({ kind: "tree"; isLast: boolean; threads: number } & GrowTask);

/** Called once in each thread; of a tree one thread returns it, as all have the same. */
export const start = kernelThread<GbdtKernel, GbdtOwn, GbdtTask, Grown | undefined>(
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
