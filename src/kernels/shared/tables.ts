// Divides the vectors of all features into tables, so that each thread has its own table.
//
//   part    numbers of one feature that are read and written together: a slice of dimensions, or the vectors for a
//           block of fields
//   table   f32[n][parts of one thread][bytes of a part]
//
//   one thread     ┌ feature 0: part 0, part 1 ┬ feature 1: part 0, part 1 ┬ ...     one page a feature
//   two threads    ┌ feature 0: part 0 ┬ feature 1: part 0 ┬ ...
//                  ┌ feature 0: part 1 ┬ feature 1: part 1 ┬ ...
//
// On a cache miss, a processor also prefetches neighboring lines. If the parts of a feature were adjacent, two threads
// would invalidate each other's cache lines: at dim 32, two threads on one table had half the speed of two threads on
// two tables.

import type { Arena, Region } from "./memory.js";

/**
 * Location of all vectors: the byte offset of each part of feature 0's vector, and the distance from feature to
 * feature.
 */
export interface Tables {
  /** byte offset of each part of feature 0's vector */
  offsets: number[];
  featureStride: number;
}

/**
 * Divides a region into tables. The division affects the addresses of numbers, but not their values.
 *
 * @param region     of n * numParts * bytesOfPart bytes
 * @param numThreads number of threads; if it divides numParts, each thread has a table of adjacent parts, else each
 *   part has a table
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

/** Writes the byte offsets of the parts of feature 0's vector to the arena. @returns byte offset of the array */
export function putOffsets(arena: Arena, { offsets }: Tables): number {
  const region = arena.allocate("where the vectors lie", offsets.length * 4);
  arena.u32(region).set(offsets);
  return region.offset;
}
