// Divides the vectors of all features into tables, so that each thread has its own.
//
//   part    numbers of one feature that are read and written together: a slice of dimensions, or the vectors for a block of fields
//   table   f32[n][parts of one thread][bytes of a part]
//
//   one thread     ┌ feature 0: part 0, part 1 ┬ feature 1: part 0, part 1 ┬ ...     one page a feature
//   two threads    ┌ feature 0: part 0 ┬ feature 1: part 0 ┬ ...
//                  ┌ feature 0: part 1 ┬ feature 1: part 1 ┬ ...
//
// A processor prefetches the lines next to a missing one. If the parts of a feature were adjacent, two threads that work on them would keep
// taking each other's lines: at dim 32, two threads had 0.5 of the speed of two tables.

import type { Arena, Region } from "./memory.js";

/** Addresses of parts; that of feature i is `featureStride` times i bytes after the first feature's. */
export interface Tables {
  /** byte offsets of the first feature's parts */
  offsets: number[];
  featureStride: number;
}

/**
 * Divides a region into tables. The division changes only addresses, not numbers.
 *
 * @param region     of n * numParts * bytesOfPart bytes
 * @param numThreads if it divides numParts, each thread has a run of adjacent parts; else each part has its own table
 */
export function cutTables(
  { offset, bytes }: Region,
  numParts: number,
  bytesOfPart: number,
  numThreads: number,
): Tables {
  const together = numParts % numThreads === 0 ? numParts / numThreads : 1;
  const bytesOfTable = (bytes / numParts) * together;
  const offsets = Array.from(
    { length: numParts },
    (_, p) => offset + Math.floor(p / together) * bytesOfTable + (p % together) * bytesOfPart,
  );
  return { offsets, featureStride: together * bytesOfPart };
}

/** Writes the offsets for the kernels, and returns their address. */
export function putOffsets(arena: Arena, { offsets }: Tables): number {
  const region = arena.allocate("where the vectors lie", offsets.length * 4);
  arena.u32(region).set(offsets);
  return region.offset;
}
