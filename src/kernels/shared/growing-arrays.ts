// Arrays in the shared memory that are rewritten often, each in a region that grows to the largest so far.

import type { Arena, Region } from "./memory.js";

/** Bytes that kernels may read beyond an array's end, because they read 16 rows at a time. */
const SLACK = 64;

/** Regions by the names of their arrays; they are reused, because an arena never frees memory. */
export class GrowingArrays {
  readonly #arena: Arena;
  readonly #owner: string;
  readonly #regions = new Map<string, Region>();

  /** @param owner name of the owner, for messages */
  constructor(arena: Arena, owner: string) {
    this.#arena = arena;
    this.#owner = owner;
  }

  /** Returns the region of an array that was put or reserved before. */
  regionOf(name: string): Region {
    return this.#regions.get(name)!;
  }

  /**
   * Replaces the contents of an array.
   *
   * @returns its byte offset; 0 for an array that is absent
   * @throws {UsageError} it does not fit the arena
   */
  put(name: string, source: Uint32Array | Float32Array | undefined): number {
    if (!source) return 0;
    const region = this.reserve(name, source.byteLength);
    // copies bits, whatever their type
    const bits = new Uint32Array(source.buffer, source.byteOffset, source.length);
    this.#arena.u32(region).set(bits);
    return region.offset;
  }

  /** Makes space for an array with arbitrary content. @throws {UsageError} it does not fit the arena */
  reserve(name: string, bytes: number): Region {
    const held = this.#regions.get(name);
    if (held && held.bytes >= bytes + SLACK) return held;
    // grows by at least half, so that arrays that grow gradually are seldom allocated again
    const size = Math.max(bytes + SLACK, 1.5 * (held?.bytes ?? 0));
    const region = this.#arena.allocate(`the ${name} of ${this.#owner}`, 4 * Math.ceil(size / 4));
    this.#regions.set(name, region);
    return region;
  }
}
