// The compiled scanner and the memory that it works in: regions are powers of two, so that what a growing table leaves
// is taken by the next.

import { kernelImports } from "../kernels/shared/load.js";
import { MAX_PAGES, newMemory, PAGE, RESERVED } from "../kernels/shared/memory.js";
import { UsageError } from "../errors.js";
import type { Kernel as ScanKernel } from "../kernels/scan/layout.js";
import { freeAddresses } from "../workers/process-limits.js";

/** A region of a scanner's memory: its capacity is a power of two. */
export interface Region {
  offset: number;
  bytes: number;
}

/**
 * The memories of a scanner and of what merges its scans, on the same thread: one for both where addresses are scarce.
 *
 * @throws {IoError} the system does not give the addresses of a memory
 */
export function scanMemories(module: WebAssembly.Module): { scanner: ScanMemory; merger: ScanMemory } {
  const scanner = new ScanMemory(module);
  // a trainer needs others later
  return { scanner, merger: freeAddresses() < 4 * RESERVED ? scanner : new ScanMemory(module) };
}

/** One thread's memory with the kernel on it. */
export class ScanMemory {
  readonly kernel: ScanKernel;
  readonly memory: WebAssembly.Memory;
  // page 0 is the module's own
  #end = PAGE;
  /** by the logarithm of their size: offsets of regions given back */
  readonly #free: number[][] = Array.from({ length: 33 }, () => []);
  #u8: Uint8Array;
  #u32: Uint32Array;
  #f64: Float64Array;

  /** @throws {IoError} the system does not give the addresses of a memory */
  constructor(module: WebAssembly.Module, memory = newMemory()) {
    this.memory = memory;
    const instance = new WebAssembly.Instance(module, kernelImports(memory));
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the exports of kernels/scan/assembly/main.ts, as declared above
    this.kernel = instance.exports as unknown as ScanKernel;
    this.#u8 = new Uint8Array(this.memory.buffer);
    this.#u32 = new Uint32Array(this.memory.buffer);
    this.#f64 = new Float64Array(this.memory.buffer);
  }

  /** A region of at least so many bytes; its content is arbitrary. @throws {UsageError} 4 GiB are used up */
  allocate(bytes: number): Region {
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

  /** Gives a region back. */
  release({ offset, bytes }: Region): void {
    this.#free[31 - Math.clz32(bytes)]!.push(offset);
  }

  /** The region itself when it is large enough, else a larger one in its place; content is not kept. */
  atLeast(region: Region | undefined, bytes: number): Region {
    if (region && region.bytes >= bytes) return region;
    if (region) this.release(region);
    return this.allocate(bytes);
  }

  #grow(pages: number): void {
    try {
      // by halves of what there is, as each growth costs new views
      const spare = Math.min((this.#u8.length / PAGE) >> 1, MAX_PAGES - this.#u8.length / PAGE - pages);
      this.memory.grow(pages + Math.max(0, spare));
    } catch (error) {
      throw new UsageError(
        "the distinct keys of the log need more than the limit of 4 GiB: exclude columns whose keys rarely " +
          "repeat with --ignore",
        { cause: error },
      );
    }
    this.#u8 = new Uint8Array(this.memory.buffer);
    this.#u32 = new Uint32Array(this.memory.buffer);
    this.#f64 = new Float64Array(this.memory.buffer);
  }

  /** All of the memory, by byte; not to be kept across an allocation, as those below. */
  get u8(): Uint8Array {
    return this.#u8;
  }

  /** All of the memory as u32; index = offset / 4. */
  get u32(): Uint32Array {
    return this.#u32;
  }

  /** All of the memory as f64; index = offset / 8. */
  get f64(): Float64Array {
    return this.#f64;
  }
}
