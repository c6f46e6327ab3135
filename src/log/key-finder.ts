// Codes that the calling thread has given already, looked up by another thread while more are given: most of a log's cells have
// keys that came before. What is not found, the calling thread looks up in its turn.
//
// A code that is found is the log's, whenever that is: keys only join a table. A table that grows moves, which waits for those
// who look up at the moment, and whom none may join until it is over.

import { UNKNOWN, type Kernel as ScanKernel } from "../kernels/scan/layout.js";
import { kernelImports } from "../kernels/shared/load.js";
import type { Keys } from "./keys.js";
import type { ScanMemory } from "./scanner.js";

/** Keys that are looked up at once, and the bytes that they take with what comes of them. */
const PIECE = 1 << 14;
const SCRATCH_BYTES = 1 << 20;

/** What the lock holds while a table moves. */
const CLOSED = -(2 ** 30);

/** Lets threads look keys up, or tables of this memory move: the memory's owner holds it. */
export class TableLock {
  /** byte offset of the i32: threads that look up, CLOSED added while a table moves */
  readonly offset: number;
  readonly #lock: Int32Array;

  constructor(memory: ScanMemory) {
    this.offset = memory.allocate(64).offset;
    this.#lock = lockAt(memory.memory, this.offset);
    this.#lock[0] = 0;
  }

  /** Moves tables while no thread reads them. */
  closed(move: () => void): void {
    const lock = this.#lock;
    Atomics.add(lock, 0, CLOSED);
    for (let state = Atomics.load(lock, 0); state !== CLOSED; state = Atomics.load(lock, 0))
      Atomics.wait(lock, 0, state);
    try {
      move();
    } finally {
      Atomics.sub(lock, 0, CLOSED);
    }
  }
}

/** What a thread needs to look keys up. It is sent to threads. */
export interface FinderData {
  memory: WebAssembly.Memory;
  lock: number;
  /** byte offset of SCRATCH_BYTES that are this thread's */
  scratch: number;
  /** one a request: byte offset of its table; undefined for numbers */
  tables: (number | undefined)[];
}

/** For a thread that is to be started. */
export function finderData(
  memory: ScanMemory,
  lock: TableLock,
  tables: readonly (number | undefined)[],
): FinderData {
  const scratch = memory.allocate(SCRATCH_BYTES).offset;
  return { memory: memory.memory, lock: lock.offset, scratch, tables: [...tables] };
}

/** Looks keys up, on a thread that does not own the tables. */
export class KeyFinder {
  readonly #kernel: ScanKernel;
  readonly #lock: Int32Array;
  readonly #scratch: number;
  readonly #u8: Uint8Array;
  readonly #u32: Uint32Array;

  constructor(module: WebAssembly.Module, { memory, lock, scratch }: FinderData) {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the exports of kernels/scan/assembly/main.ts
    this.#kernel = new WebAssembly.Instance(module, kernelImports(memory)).exports as unknown as ScanKernel;
    this.#lock = lockAt(memory, lock);
    this.#scratch = scratch;
    this.#u8 = new Uint8Array(memory.buffer, scratch, SCRATCH_BYTES);
    this.#u32 = new Uint32Array(memory.buffer, scratch, SCRATCH_BYTES / 4);
  }

  /**
   * Codes of keys: MISSING for an empty one, UNKNOWN for one that is not found.
   *
   * @param table byte offset
   * @param gap   bytes before each key that are not part of it
   * @param codes u32[size], where they go
   */
  find(table: number, { size, bytes, offsets }: Keys, gap: number, codes: Uint32Array): void {
    codes.fill(UNKNOWN);
    for (let from = 0; from < size;) {
      const start = offsets[from]!;
      let to = Math.min(from + PIECE, size);
      const fits = () => offsets[to]! - start + 8 * (to - from) + 64 <= SCRATCH_BYTES;
      while (to - from > 1 && !fits()) to = from + ((to - from) >> 1);
      // scratch: the offsets, the codes, the bytes
      const codesAt = to - from + 1;
      const bytesAt = 4 * (codesAt + to - from);
      if (fits() && this.#enter()) {
        this.#u32.set(offsets.subarray(from, to + 1));
        this.#u8.set(bytes.subarray(start, offsets[to]), bytesAt);
        const { findCells } = this.#kernel;
        const base = this.#scratch + bytesAt - start;
        findCells(table, base, this.#scratch, 4, gap, to - from, this.#scratch + 4 * codesAt);
        this.#leave();
        codes.set(this.#u32.subarray(codesAt, codesAt + to - from), from);
      }
      from = to;
    }
  }

  #enter(): boolean {
    for (;;) {
      const state = Atomics.load(this.#lock, 0);
      if (state < 0) return false;
      if (Atomics.compareExchange(this.#lock, 0, state, state + 1) === state) return true;
    }
  }

  #leave(): void {
    if (Atomics.sub(this.#lock, 0, 1) < 0) Atomics.notify(this.#lock, 0);
  }
}

function lockAt(memory: WebAssembly.Memory, offset: number): Int32Array {
  return new Int32Array(memory.buffer, offset, 1);
}
