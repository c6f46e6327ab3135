// A thread of a ridge regression: takes fit after fit until none is left.

import type { RidgeKernel, RidgeLayout } from "../../kernels/ridge/binding.js";
import { kernelImports } from "../../kernels/shared/load.js";

/** Passed to each thread of the pool. */
export interface RidgeInit {
  memory: WebAssembly.Memory;
  module: WebAssembly.Module;
  layout: RidgeLayout;
}

/** Folds first .. last - 1 are worked on. */
export type RidgeTask = { first: number; last: number } & (
  | { kind: "prepare folds" | "prepare means" | "evaluate" }
  /** `lambda` above 0; the fits start from the coefficients as they are */
  | { kind: "solve"; lambda: number; tolerance: number }
);

const MAX_STEPS = 1000;

/** Called once in each thread. */
export function start({ memory, module, layout }: RidgeInit, index: number): (task: RidgeTask) => null {
  const { exports: kernel } = new WebAssembly.Instance<RidgeKernel>(module, kernelImports(memory));
  const counter = new Int32Array(memory.buffer, layout.counter.offset, 1);
  const { plan } = layout;
  const scratch = layout.scratches[index]!;
  return (task) => {
    const folds = layout.folds.slice(task.first, task.last);
    const take = () => Atomics.add(counter, 0, 1);
    if (task.kind === "prepare folds") {
      for (let i = take(); i < folds.length; i = take()) kernel.prepareFold(plan, folds[i]!.fold);
      return null;
    }
    const fits = folds.flatMap((fold) => fold.fits);
    for (let i = take(); i < fits.length; i = take()) {
      const { fit } = fits[i]!;
      if (task.kind === "prepare means") kernel.prepareMean(plan, fit);
      if (task.kind === "solve") kernel.solve(plan, fit, scratch, task.lambda, task.tolerance, MAX_STEPS);
      if (task.kind !== "prepare means") kernel.writeErrors(plan, fit, scratch);
    }
    return null;
  };
}
