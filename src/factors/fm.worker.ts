// A thread of the factorization machine. In addition to the kernel's calls, it marks the features that occur repeatedly
// in its share of the training rows.

import { encodeRows, type Encoding } from "../dataset/encoding.worker.js";
import { markShare, marksFor } from "../kernels/fm/repeats.js";
import { kernelThread } from "../workers/kernel-thread.js";

/** Settings with which a thread marks repeated features. */
export interface FmOwn {
  numFeatures: number;
  keepsOrder: boolean;
}

/** Task that marks the features which occur repeatedly in blocks of rows. */
export interface MarkTask {
  /** offset of the struct Rows in shared memory */
  rows: number;
  /** columns from which the thread encodes the rows' ids first; absent if they are encoded already */
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
