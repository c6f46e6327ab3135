// One shared memory as an arena: named regions, one after another, never moved and never freed.
//
//   byte 0           65536                                                              up to 4 GiB
//   ├────────────────┼──────────────┬──────────────┬─────────────┬─── ...
//   │ page 0: the    │ region 1     │ region 2     │ region 3    │  grown on demand,
//   │ module's data  │ (64-aligned) │              │             │  a page of 64 KiB at a time
//   └────────────────┴──────────────┴──────────────┴─────────────┴─── ...
//
// Each thread that instantiates the module writes page 0 again, so page 0 must contain nothing else. Growth replaces
// the buffer object: views are created when they are needed, and not kept across an allocation.

import { IoError, sizeText, UsageError } from "../../../base/errors.js";

/** Bytes of a page of WebAssembly memory. */
export const PAGE = 65536;
/** Pages of the largest WebAssembly memory, 4 GiB. */
export const MAX_PAGES = 65536;
/**
 * Bytes of address space that V8 reserves for a memory, whatever its size (4 GB without its trap handler). It releases
 * them when its garbage collector finds the memory unused, which it tries when a reservation fails.
 */
export const RESERVED = 10 * 2 ** 30;

/**
 * Creates a memory of two pages, which threads can share and which grows up to 4 GiB.
 *
 * @internal the package's types do not mention WebAssembly, which a project lacks unless it has the types of Node or
 *   the DOM
 * @throws {IoError} the system does not provide the address space
 */
export function newMemory(): WebAssembly.Memory {
  try {
    return new WebAssembly.Memory({ initial: 2, maximum: MAX_PAGES, shared: true });
  } catch (error) {
    throw new IoError(
      "the system refused the 10 GB of addresses that V8 reserves for a WebAssembly memory (they are no memory in use): " +
        "`ulimit -v unlimited` lifts the limit; where that is not allowed, NODE_OPTIONS=--disable-wasm-trap-handler takes 4 GB",
      { cause: error },
    );
  }
}

/** Advice on how to make a model smaller, for error messages. */
export const SHRINKING =
  "a smaller --dim, a greater --min-count, --max-vocab or --hash FIELD:BITS shrinks it";

/** A contiguous part of the arena. */
export interface Region {
  readonly name: string;
  /** byte offset in the memory, a multiple of 64 */
  readonly offset: number;
  readonly bytes: number;
}

/** Allocates zeroed regions of one WebAssembly memory, which all threads of a pool share. */
export class Arena {
  /**
   * @internal the memory is not part of the types that users of the package see, because the types of Node alone do not
   * have WebAssembly
   */
  readonly memory = newMemory();
  #end = PAGE;

  /** Number of bytes that can still be allocated. */
  get freeBytes(): number {
    return MAX_PAGES * PAGE - this.#end;
  }

  /**
   * Allocates a region of zeros. Views that were made before do not cover memory that this call adds.
   *
   * @param name name of the contents, for error messages
   * @throws {UsageError} it does not fit the 4 GiB that a WebAssembly memory can have
   * @throws {IoError} the system provides no more memory
   */
  allocate(name: string, bytes: number): Region {
    const offset = Math.ceil(this.#end / 64) * 64;
    const end = offset + bytes;
    if (end > MAX_PAGES * PAGE) {
      throw new UsageError(
        `${name} need ${sizeText(bytes)}, with what else is held ${sizeText(end)}; one memory holds 4 GiB: ` +
          SHRINKING,
      );
    }
    const missing = Math.ceil((end - this.memory.buffer.byteLength) / PAGE);
    if (missing > 0) this.#grow(name, missing);
    this.#end = end;
    return { name, offset, bytes };
  }

  /** Allocates a region of `count` 32-bit numbers, all 0. @throws the errors of `allocate` */
  numbers(name: string, count: number): Region {
    return this.allocate(name, 4 * count);
  }

  /**
   * Allocates a region for an array, and copies the array into it.
   *
   * @param name name of the contents, for error messages
   * @returns byte offset of the region, also for an empty array; 0 for undefined
   * @throws {UsageError} it does not fit
   */
  put(name: string, source: Uint32Array | Float32Array | undefined): number {
    if (!source) return 0;
    const region = this.allocate(name, Math.max(4, source.byteLength));
    this.u32(region).set(bitsOf(source));
    return region.offset;
  }

  #grow(name: string, pages: number): void {
    try {
      this.memory.grow(pages);
    } catch (error) {
      throw new IoError(
        `${name} need ${sizeText(pages * PAGE)} more memory than the system gives: ` + SHRINKING,
        { cause: error },
      );
    }
  }

  u32(region: Region): Uint32Array {
    return new Uint32Array(this.memory.buffer, region.offset, region.bytes >>> 2);
  }

  f32(region: Region): Float32Array {
    return new Float32Array(this.memory.buffer, region.offset, region.bytes >>> 2);
  }

  f64(region: Region): Float64Array {
    return new Float64Array(this.memory.buffer, region.offset, region.bytes >>> 3);
  }
}

/** Returns a u32 view of 32-bit numbers of any type. */
function bitsOf({ buffer, byteOffset, length }: Uint32Array | Float32Array): Uint32Array {
  return new Uint32Array(buffer, byteOffset, length);
}

/** Bytes that kernels may read beyond an array's end, because they read 16 rows at a time. */
const SLACK = 64;

/**
 * Arrays whose contents are often replaced. An array's region is reused, because an arena never frees memory, and grows
 * to the largest contents so far.
 */
export class GrowingArrays {
  readonly #arena: Arena;
  readonly #owner: string;
  readonly #regions = new Map<string, Region>();

  /** @param owner for error messages */
  constructor(arena: Arena, owner: string) {
    this.#arena = arena;
    this.#owner = owner;
  }

  /** Returns the region of an array that `put` or `reserve` created. */
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
    this.#arena.u32(region).set(bitsOf(source));
    return region.offset;
  }

  /** Makes room for an array, whose contents are then arbitrary. @throws {UsageError} it does not fit the arena */
  reserve(name: string, bytes: number): Region {
    const held = this.#regions.get(name);
    if (held && held.bytes >= bytes + SLACK) return held;
    // grows by at least half, so that an array that grows in small steps is seldom allocated again
    const size = Math.max(bytes + SLACK, 1.5 * (held?.bytes ?? 0));
    const region = this.#arena.allocate(`the ${name} of ${this.#owner}`, 4 * Math.ceil(size / 4));
    this.#regions.set(name, region);
    return region;
  }
}
