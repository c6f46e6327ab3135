// A thread of the factorization machine: beside the kernel's calls it marks its share of training rows.

import { encodeRows, type Encoding } from "../dataset/encoding.worker.js";
import { markShare, marksFor } from "../kernels/fm/repeats.js";
import { kernelThread } from "../workers/kernel-thread.js";

/** What rows are marked for. */
export interface FmOwn {
  numFeatures: number;
  keepsOrder: boolean;
}

/** Marks the features that blocks of rows repeat. */
export interface MarkTask {
  /** offset of the struct Rows */
  rows: number;
  /** where the rows' ids are not there yet */
  encoding: Encoding | undefined;
}

/** Called once in each thread. */
export const start = kernelThread<object, FmOwn, MarkTask, null>(
  ({ memory, index, numThreads, own }) =>
    ({ rows, encoding }) => {
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
    },
);
