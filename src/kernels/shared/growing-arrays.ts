// Arrays in the shared memory whose contents are often replaced; an array's region grows to the largest contents so
// far.

import type { Arena, Region } from "./memory.js";

/** Number of bytes that kernels may read beyond an array's end, because they read 16 rows at a time. */
const SLACK = 64;

/** Regions by the names of their arrays. They are reused for new contents, because an arena never frees memory. */
export class GrowingArrays {
  readonly #arena: Arena;
  readonly #owner: string;
  readonly #regions = new Map<string, Region>();

  /** Creates an empty store of arrays. @param owner name of the owner, for error messages */
  constructor(arena: Arena, owner: string) {
    this.#arena = arena;
    this.#owner = owner;
  }

  /** Returns the region of an array that `put` or `reserve` has created. */
  regionOf(name: string): Region {
    return this.#regions.get(name)!;
  }

  /**
   * Replaces the contents of an array.
   *
   * @returns byte offset of the array; 0 if the source is undefined
   * @throws {UsageError} it does not fit the arena
   */
  put(name: string, source: Uint32Array | Float32Array | undefined): number {
    if (!source) return 0;
    const region = this.reserve(name, source.byteLength);
    // copies the bits of 32-bit numbers of any type
    const bits = new Uint32Array(source.buffer, source.byteOffset, source.length);
    this.#arena.u32(region).set(bits);
    return region.offset;
  }

  /** Makes room for an array, whose contents are then arbitrary. @throws {UsageError} it does not fit the arena */
  reserve(name: string, bytes: number): Region {
    const held = this.#regions.get(name);
    if (held && held.bytes >= bytes + SLACK) return held;
    // grows the region by at least half, so that an array that grows in small steps is seldom allocated again
    const size = Math.max(bytes + SLACK, 1.5 * (held?.bytes ?? 0));
    const region = this.#arena.allocate(`the ${name} of ${this.#owner}`, 4 * Math.ceil(size / 4));
    this.#regions.set(name, region);
    return region;
  }
}
