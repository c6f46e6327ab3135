// What a training needs of the one memory that its threads share, before anything is allocated.

import { sizeText, UsageError } from "../errors.js";
import { METHODS, sliceOf, sliceWidth, type FmMethod } from "../kernels/fm/binding.js";
import { SHRINKING } from "../kernels/shared/memory.js";

const LIMIT = 2 ** 32;
/** For batches, the smallest chunks of rows, and what threads keep. */
const BUFFERS = 64 << 20;

/**
 * Bytes of a feature: v and w with what the method keeps beside them, the copy of the best epoch, its hash and count, its
 * own rates, and its slot on each thread.
 */
function bytesOfFeature(dim: number, method: FmMethod, hasRates: boolean, threads: number): number {
  const K = sliceWidth(dim);
  const { numbers, accumulators } = sliceOf(method, K);
  const numSlices = Math.ceil(dim / K);
  const parameters = numSlices * 4 * (numbers + accumulators) + METHODS[method].linearBytes;
  return parameters + 4 * (dim + 1) + 12 + (hasRates ? 16 : 0) + 4 * Math.min(threads, numSlices);
}

/** @throws {UsageError} the parameters do not fit; says how much they need */
export function checkMemory(
  numFeatures: number,
  { dim, method, hasRates, threads }: { dim: number; method: FmMethod; hasRates: boolean; threads: number },
): void {
  const bytes = numFeatures * bytesOfFeature(dim, method, hasRates, threads) + BUFFERS;
  if (bytes <= LIMIT) return;
  throw new UsageError(
    `${numFeatures.toLocaleString("en")} features of dim ${dim} need ${sizeText(bytes)} of memory with ` +
      `${method}, the limit is 4 GiB: ${SHRINKING}`,
  );
}
