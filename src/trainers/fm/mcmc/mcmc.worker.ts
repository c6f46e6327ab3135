// A thread of coordinate descent.

import type { CoordinateKernel } from "../../../kernels/coordinate/binding.js";
import { kernelThread } from "../../../workers/kernel-thread.js";
import { runSweep, type SweepPlan, type SweepTask } from "./sweep.js";

/** Called once in each thread. */
export const start = kernelThread<CoordinateKernel, SweepPlan, SweepTask, boolean>(
  ({ kernel, own, index }) =>
    (task) =>
      runSweep(kernel, own, index, task),
);
