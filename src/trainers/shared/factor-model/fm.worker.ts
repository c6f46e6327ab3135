// A thread of the factorization machine. In addition to the kernel's calls, each thread marks the features that occur
// repeatedly in its share of the training rows and, if the vectors are divided among several WebAssembly memories,
// initializes its share of these memories.

import { encodeRows, type Encoding } from "../../../dataset/encoding.worker.js";
import type { FmKernel } from "../../../compute/kernels/fm/binding.js";
import { markShare, marksFor } from "../../../compute/kernels/fm/repeats.js";
import { kernelThread } from "../../../compute/threads/kernel-thread.js";
import { groupedKernel, type Initial, type SentGroup } from "./grouped-kernel.js";

export interface FmOwn {
  numFeatures: number;
  keepsOrder: boolean;
  plan: number;
  /** memories among which the vectors are divided; empty if one memory holds them */
  groups: readonly SentGroup[];
}

/** Task that marks the features which occur repeatedly in blocks of rows. */
export interface MarkTask {
  /** offset of the struct Rows in shared memory */
  rows: number;
  /** columns from which the thread encodes the rows' ids first; absent if they are encoded already */
  encoding: Encoding | undefined;
}

/** Only if the vectors are divided among several memories. */
export interface InitializeTask {
  initial: Initial;
}

/** Called once in each thread; returns the function that executes the thread's tasks. */
export const start = kernelThread<FmKernel, FmOwn, MarkTask | InitializeTask, null>((thread) => {
  const { kernel, memory, index, numThreads, own } = thread;
  const grouped = own.groups.length > 0 ? groupedKernel(thread, own.groups) : undefined;
  const { initializeGroups, ...replaced } = grouped ?? {};
  Object.assign(kernel, replaced);
  return (task) => {
    if ("initial" in task) {
      initializeGroups!(own.plan, task.initial);
      return null;
    }
    const { rows, encoding } = task;
    const put =
      encoding &&
      ((ids: Uint32Array, first: number, last: number) => void encodeRows(encoding, ids, first, last));
    markShare(
      memory,
      rows,
      marksFor(own.numFeatures, own.keepsOrder),
      { first: index, step: numThreads },
      put,
    );
    return null;
  };
});
