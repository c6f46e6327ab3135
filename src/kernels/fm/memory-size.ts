// Sizes of a factorization machine in memory, and the division of parameters that exceed one WebAssembly memory into
// groups of slices.

import { sizeText, UsageError } from "../../errors.js";
import { SHRINKING } from "../shared/memory.js";
import { METHODS, mostThreads, sliceOf, sliceWidth, type FmMethod, type FmShape } from "./binding.js";

/**
 * Maximum bytes of a WebAssembly memory, and how many of them are reserved for everything but parameters: batches, rows
 * and the threads' buffers. Tests lower both numbers, so that even small models are divided.
 */
export const memoryBytes = { most: 2 ** 32, buffers: 64 << 20 };

/** Maximum number of elements of an array, for the vectors of all features together. */
const MOST_ELEMENTS = 2 ** 32;

/** Properties of a factorization machine that determine its size in memory. */
type FmSize = Pick<FmShape, "numFeatures" | "dim" | "method" | "hasRates" | "threads">;

/**
 * Returns the number of bytes per feature: for its vector and weight with the optimizer state, for a copy of both from
 * the best epoch, for its hash, count and individual rates, and for its slot in each thread.
 */
export function bytesOfFeature(dim: number, method: FmMethod, hasRates: boolean, threads: number): number {
  const parameters =
    Math.ceil(dim / sliceWidth(dim)) * bytesOfSlice(dim, method) + METHODS[method].linearBytes;
  return parameters + 4 * (dim + 1) + 12 + (hasRates ? 16 : 0) + 4 * mostThreads({ dim, threads });
}

/** Returns the number of bytes of a slice of one feature's vector, with its optimizer state. */
function bytesOfSlice(dim: number, method: FmMethod): number {
  const { numbers, accumulators } = sliceOf(method, sliceWidth(dim));
  return 4 * (numbers + accumulators);
}

/**
 * Returns the number of memories into which the slices are divided; 0 if one memory holds all parameters. The number
 * affects addresses and speed, but no result.
 *
 * @throws {UsageError} a slice of all features, their weights, or the vectors together are too large; the message
 * states the limit
 */
export function numSliceGroups({ numFeatures: n, dim, method, hasRates, threads }: FmSize): number {
  const { most, buffers } = memoryBytes;
  const whole = n * bytesOfFeature(dim, method, hasRates, threads) + buffers;
  if (whole <= most) return 0;
  const slice = n * bytesOfSlice(dim, method);
  // besides its slices, each memory contains the L2 penalties and the learning rate factor of every feature, if
  // features have their own, and a u32 per feature: the slot in which a batch adds up the gradients of a repeated
  // feature
  const besides = n * (hasRates ? 20 : 4) + buffers;
  const together = Math.floor((most - besides) / slice);
  const numSlices = Math.ceil(dim / sliceWidth(dim));
  const fits = together >= 1 && n * METHODS[method].linearBytes + besides <= most && n * dim <= MOST_ELEMENTS;
  if (!fits || numSlices === 0)
    throw new UsageError(
      `${n.toLocaleString("en")} features of dim ${dim} need ${sizeText(whole)} of memory with ${method}; the limits are ` +
        `4 GiB for ${sliceWidth(dim)} dimensions of all features, and for their weights, and 16 GiB for all vectors: ${SHRINKING}`,
    );
  return Math.min(numSlices, Math.max(Math.ceil(numSlices / together), threads - 1));
}
