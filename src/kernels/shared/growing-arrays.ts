// Arrays in the shared memory that are written again and again, each in a region that grows to the largest so far.

import type { Arena, Region } from "./memory.js";

/** Bytes that kernels may read beyond an array's end, of 16 rows at a time. */
const SLACK = 64;

/** Regions by the names of their arrays. */
export class GrowingArrays {
  readonly #arena: Arena;
  readonly #name: string;
  readonly #regions = new Map<string, Region>();

  /** @param name what they are of, for messages */
  constructor(arena: Arena, name: string) {
    this.#arena = arena;
    this.#name = name;
  }

  /** Where the array lies; undefined before it was first put. */
  regionOf(part: string): Region | undefined {
    return this.#regions.get(part);
  }

  /**
   * Copies an array in; what was there before is gone.
   *
   * @returns its byte offset; 0 for an array that is absent
   * @throws {UsageError} it does not fit the arena
   */
  put(part: string, source: Uint32Array | Float32Array | undefined): number {
    if (!source) return 0;
    const region = this.reserve(part, source.byteLength);
    // bits are copied as they are, whatever they stand for
    const bits = new Uint32Array(source.buffer, source.byteOffset, source.length);
    this.#arena.u32(region).set(bits);
    return region.offset;
  }

  /** Makes room for an array, whose content is arbitrary. @throws {UsageError} it does not fit the arena */
  reserve(part: string, bytes: number): Region {
    let region = this.#regions.get(part);
    if (!region || region.bytes < bytes + SLACK) {
      region = this.#arena.allocate(`the ${part} of ${this.#name}`, bytes + SLACK);
      this.#regions.set(part, region);
    }
    return region;
  }
}
