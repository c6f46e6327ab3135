// How the vectors of all features are cut into tables, so that each thread has its own.
//
//   part    what is read and written at once of one feature: a slice of dimensions, or the vectors for a block of fields
//   table   f32[n][parts of one thread][bytes of a part]
//
//   one thread     ┌ feature 0: part 0, part 1 ┬ feature 1: part 0, part 1 ┬ ...     one page a feature
//   two threads    ┌ feature 0: part 0 ┬ feature 1: part 0 ┬ ...
//                  ┌ feature 0: part 1 ┬ feature 1: part 1 ┬ ...
//
// A processor fetches the lines beside the one it misses. Were a feature's parts side by side while two threads work on them,
// each would keep taking the other's lines: at dim 32 two threads then had 0.5 of the speed of two tables.

import type { Arena, Region } from "./memory.js";

/** Where parts lie: that of feature i is `featureStride` times i bytes behind the first feature's. */
export interface Tables {
  /** byte offsets of the first feature's parts */
  offsets: number[];
  featureStride: number;
}

/**
 * Cuts a region into tables. Where it is cut changes where numbers lie, and no number.
 *
 * @param region     of n * numParts * bytesOfPart bytes
 * @param numThreads which have equal runs of neighboring parts; else each part has a table of its own
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

/** Writes the offsets as the kernels read them, and returns where. */
export function putOffsets(arena: Arena, { offsets }: Tables): number {
  const region = arena.allocate("where the vectors lie", offsets.length * 4);
  arena.u32(region).set(offsets);
  return region.offset;
}
