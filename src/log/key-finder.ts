// Looks up, on another thread, the codes of keys that the log's key tables already contain, while the calling thread
// adds more keys. Most cells of a log have keys that occurred before. The calling thread then looks up the keys that
// were not found.
//
// A code that is found is final, because keys are only ever added to a table. A table that grows is moved: the move
// waits for running lookups and blocks new ones until it is done.

import { UNKNOWN, type Kernel as ScanKernel } from "../compute/kernels/scan/layout.js";
import { kernelImports } from "../compute/kernels/shared/load.js";
import type { Keys } from "./keys.js";
import type { ScanMemory } from "./scanner.js";

/** Maximum number of keys per call, and bytes of the memory for the keys, their offsets and codes. */
const PIECE = 1 << 14;
const SCRATCH_BYTES = 1 << 20;

/** Value that marks the lock as closed, while a table is moved. */
const CLOSED = -(2 ** 30);

/** A lock that either lets threads look keys up or lets the owner of the memory move a table. */
export class TableLock {
  /** byte offset of the i32 that holds the number of threads in a lookup, plus CLOSED while a table is moved */
  readonly offset: number;
  readonly #lock: Int32Array;

  constructor(memory: ScanMemory) {
    this.offset = memory.allocate(64).offset;
    this.#lock = lockAt(memory.memory, this.offset);
    this.#lock[0] = 0;
  }

  /** Calls `move` while no thread reads the tables. */
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

/** The data that a thread needs to look keys up; it is sent to the thread. */
export interface FinderData {
  memory: WebAssembly.Memory;
  lock: number;
  /** byte offset of the SCRATCH_BYTES bytes that only this thread uses */
  scratch: number;
  /** byte offset of the key table of each requested column; undefined for a column of numbers */
  tables: (number | undefined)[];
}

/** Creates the data with which a thread that is about to start looks keys up. */
export function finderData(
  memory: ScanMemory,
  lock: TableLock,
  tables: readonly (number | undefined)[],
): FinderData {
  const scratch = memory.allocate(SCRATCH_BYTES).offset;
  return { memory: memory.memory, lock: lock.offset, scratch, tables: [...tables] };
}

/** Looks keys up on a thread that does not own the tables. */
export class KeyFinder {
  readonly #kernel: ScanKernel;
  readonly #lock: Int32Array;
  readonly #scratch: number;
  readonly #u8: Uint8Array;
  readonly #u32: Uint32Array;

  constructor(module: WebAssembly.Module, { memory, lock, scratch }: FinderData) {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the exports of compute/kernels/scan/assembly/main.ts
    this.#kernel = new WebAssembly.Instance(module, kernelImports(memory)).exports as unknown as ScanKernel;
    this.#lock = lockAt(memory, lock);
    this.#scratch = scratch;
    this.#u8 = new Uint8Array(memory.buffer, scratch, SCRATCH_BYTES);
    this.#u32 = new Uint32Array(memory.buffer, scratch, SCRATCH_BYTES / 4);
  }

  /**
   * Looks up the codes of keys; an empty key has the code MISSING, a key that is not found UNKNOWN.
   *
   * @param table byte offset of the table
   * @param gap   number of bytes before each key that are not part of the key
   * @param codes u32[size], receives the codes
   * @returns the number of codes that are UNKNOWN
   */
  find(table: number, { size, bytes, offsets }: Keys, gap: number, codes: Uint32Array): number {
    let numUnknown = 0;
    for (let from = 0; from < size;) {
      const start = offsets[from]!;
      let to = Math.min(from + PIECE, size);
      const fits = () => offsets[to]! - start + 8 * (to - from) + 64 <= SCRATCH_BYTES;
      while (to - from > 1 && !fits()) to = from + ((to - from) >> 1);
      // layout of the scratch memory: offsets, codes, bytes
      const codesAt = to - from + 1;
      const bytesAt = 4 * (codesAt + to - from);
      if (fits() && this.#enter()) {
        this.#u32.set(offsets.subarray(from, to + 1));
        this.#u8.set(bytes.subarray(start, offsets[to]), bytesAt);
        const { findCells } = this.#kernel;
        const base = this.#scratch + bytesAt - start;
        numUnknown += findCells(table, base, this.#scratch, 4, gap, to - from, this.#scratch + 4 * codesAt);
        this.#leave();
        codes.set(this.#u32.subarray(codesAt, codesAt + to - from), from);
      } else {
        codes.fill(UNKNOWN, from, to);
        numUnknown += to - from;
      }
      from = to;
    }
    return numUnknown;
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
