// A thread of the factorization machine: beside the kernel's calls it marks its share of the training rows.

import { encodeRows, type Encoding } from "../dataset/encoding.worker.js";
import { markShare, marksFor } from "../kernels/fm/repeats.js";
import { kernelThread } from "../workers/kernel-thread.js";

/** The settings of marking. */
export interface FmOwn {
  numFeatures: number;
  keepsOrder: boolean;
}

/** A task that marks the features that occur repeatedly in blocks of rows. */
export interface MarkTask {
  /** offset of the struct Rows */
  rows: number;
  /** set if the rows' ids still have to be encoded */
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
