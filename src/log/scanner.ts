// The compiled scanner and its memory. The sizes of regions are powers of two, so the region that a growing table
// releases can be reused by another table.

import { kernelImports } from "../compute/kernels/shared/load.js";
import { MAX_PAGES, newMemory, PAGE, RESERVED } from "../compute/kernels/shared/memory.js";
import { IoError, sizeText, UsageError } from "../base/errors.js";
import type { Kernel as ScanKernel } from "../compute/kernels/scan/layout.js";
import { freeAddresses } from "../compute/threads/process-limits.js";

/** A region of a scanner's memory; its capacity is a power of two. */
export interface ScanRegion {
  offset: number;
  bytes: number;
}

/**
 * Creates the memories of a scanner and of the merger on the same thread; both share one memory if the log is small, or
 * few addresses are left.
 *
 * @throws {IoError} the system provides no addresses for a memory
 */
export function scanMemories(
  module: WebAssembly.Module,
  isSmall = false,
): { scanner: ScanMemory; merger: ScanMemory } {
  const scanner = new ScanMemory(module);
  // both share one memory if addresses are scarce, because the trainer needs memories later
  const isShared = isSmall || freeAddresses() < 4 * RESERVED;
  return { scanner, merger: isShared ? scanner : new ScanMemory(module) };
}

/** The memory of one thread, together with the kernel instance that works on it. */
export class ScanMemory {
  readonly kernel: ScanKernel;
  readonly memory: WebAssembly.Memory;
  readonly #module: WebAssembly.Module;
  // the first page is reserved for the WebAssembly module
  #end = PAGE;
  /** offsets of released regions, indexed by the binary logarithm of the region's size */
  readonly #free: number[][] = Array.from({ length: 33 }, () => []);
  #u8: Uint8Array;
  #u32: Uint32Array;
  #f64: Float64Array;

  constructor(module: WebAssembly.Module, memory = newMemory()) {
    this.#module = module;
    this.memory = memory;
    const instance = new WebAssembly.Instance(module, kernelImports(memory));
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the exports of compute/kernels/scan/assembly/main.ts, as declared above
    this.kernel = instance.exports as unknown as ScanKernel;
    this.#u8 = new Uint8Array(this.memory.buffer);
    this.#u32 = new Uint32Array(this.memory.buffer);
    this.#f64 = new Float64Array(this.memory.buffer);
  }

  /** Number of bytes up to the end of the last region. */
  get usedBytes(): number {
    return this.#end;
  }

  /** Returns a new memory for a table that outgrew this one; this memory if few addresses are left. */
  another(): ScanMemory {
    return freeAddresses() < 4 * RESERVED ? this : new ScanMemory(this.#module);
  }

  /**
   * Returns a region of at least `bytes` bytes with arbitrary content.
   *
   * @throws {UsageError} all 4 GiB are used
   * @throws {IoError} the system provides no more memory
   */
  allocate(bytes: number): ScanRegion {
    const log = Math.max(6, 32 - Math.clz32(bytes - 1));
    const size = 2 ** log;
    const offset = this.#free[log]!.pop();
    if (offset !== undefined) return { offset, bytes: size };
    const end = this.#end + size;
    const missing = Math.ceil((end - this.#u8.length) / PAGE);
    if (missing > 0) this.#grow(missing);
    this.#end = end;
    return { offset: end - size, bytes: size };
  }

  release({ offset, bytes }: ScanRegion): void {
    this.#free[31 - Math.clz32(bytes)]!.push(offset);
  }

  /** Returns the given region if it is large enough, else a larger region that replaces it; the content is lost. */
  atLeast(region: ScanRegion | undefined, bytes: number): ScanRegion {
    if (region && region.bytes >= bytes) return region;
    if (region) this.release(region);
    return this.allocate(bytes);
  }

  #grow(pages: number): void {
    const held = this.#u8.length / PAGE;
    if (held + pages > MAX_PAGES)
      throw new UsageError(
        "the distinct keys of the log need more than the limit of 4 GiB (per column of a Parquet log, over all columns of others): " +
          "exclude columns whose keys rarely repeat with --ignore, or convert the log to Parquet",
      );
    // memory grows by half of its size, because views must be created again after each growth
    const more = pages + Math.min(held >> 1, MAX_PAGES - held - pages);
    try {
      this.memory.grow(more);
    } catch (error) {
      throw new IoError(
        `reading the log needs ${sizeText(more * PAGE)} more memory than the system gives: free some memory, raise the ` +
          "limit of the process (`ulimit -v`), or exclude columns whose keys rarely repeat with --ignore",
        { cause: error },
      );
    }
    this.#u8 = new Uint8Array(this.memory.buffer);
    this.#u32 = new Uint32Array(this.memory.buffer);
    this.#f64 = new Float64Array(this.memory.buffer);
  }

  /** View of the whole memory as bytes. All views become invalid when a region is allocated. */
  get u8(): Uint8Array {
    return this.#u8;
  }

  /** View of the whole memory as u32; index = offset / 4. */
  get u32(): Uint32Array {
    return this.#u32;
  }

  /** View of the whole memory as f64; index = offset / 8. */
  get f64(): Float64Array {
    return this.#f64;
  }
}
