// Arrays in the shared memory that are written again and again, each in a region that grows to the largest so far.

import type { Arena, Region } from "./memory.js";

/** Bytes that kernels may read beyond an array's end, of 16 rows at a time. */
const SLACK = 64;

/** Regions by the names of their arrays: an arena never gives one back. */
export class GrowingArrays {
  readonly #arena: Arena;
  readonly #owner: string;
  readonly #regions = new Map<string, Region>();

  /** @param owner what has the arrays, for messages */
  constructor(arena: Arena, owner: string) {
    this.#arena = arena;
    this.#owner = owner;
  }

  /** Where the array lies, which was put or reserved before. */
  regionOf(name: string): Region {
    return this.#regions.get(name)!;
  }

  /**
   * Copies an array in; what was there before is gone.
   *
   * @returns its byte offset; 0 for an array that is absent
   * @throws {UsageError} it does not fit the arena
   */
  put(name: string, source: Uint32Array | Float32Array | undefined): number {
    if (!source) return 0;
    const region = this.reserve(name, source.byteLength);
    // bits are copied as they are, whatever they stand for
    const bits = new Uint32Array(source.buffer, source.byteOffset, source.length);
    this.#arena.u32(region).set(bits);
    return region.offset;
  }

  /** Makes room for an array, whose content is arbitrary. @throws {UsageError} it does not fit the arena */
  reserve(name: string, bytes: number): Region {
    const held = this.#regions.get(name);
    if (held && held.bytes >= bytes + SLACK) return held;
    // what grows by and by grows by half at least, so that it is seldom laid anew
    const size = Math.max(bytes + SLACK, 1.5 * (held?.bytes ?? 0));
    const region = this.#arena.allocate(`the ${name} of ${this.#owner}`, 4 * Math.ceil(size / 4));
    this.#regions.set(name, region);
    return region;
  }
}
