// A thread's part in a training: the pieces of work that it takes, and the barriers at which it waits for the others.
//
// Threads take pieces dynamically, so that a thread on a busy core takes fewer. Sums of f64 are computed per block of
// 4,096 rows and added in the blocks' order, and sums of integers do not depend on the order, so results have the same
// bytes whichever thread takes which piece.

import { BLOCK_ROWS, GATHERED, type GbdtKernel, type GbdtLayout } from "../../../kernels/gbdt/binding.js";

/** Kernel, memory and pieces of work of one thread. */
export class OwnShare {
  readonly kernel: GbdtKernel;
  readonly layout: GbdtLayout;
  readonly index: number;
  readonly buffer: SharedArrayBuffer;
  readonly #taken: Uint32Array;
  /** value of the threads' shared counter that stands for the first piece of the next list */
  #before = 0;
  /** number of threads that take part, which are threads 0 .. numThreads - 1 */
  numThreads: number;

  constructor(kernel: GbdtKernel, layout: GbdtLayout, index: number, buffer: SharedArrayBuffer) {
    this.kernel = kernel;
    this.layout = layout;
    this.index = index;
    this.buffer = buffer;
    this.numThreads = layout.numThreads;
    this.#taken = new Uint32Array(buffer, layout.taken, 1);
  }

  /** The memory in the form that shared/struct.ts expects. */
  get memory(): { readonly buffer: SharedArrayBuffer } {
    return { buffer: this.buffer };
  }

  /** Byte offset of this thread's buffer for gathered rows or for sorting categories. */
  get scratch(): number {
    return this.layout.scratch + this.index * this.layout.scratchBytes;
  }

  /** Called when a task begins; the threads' shared counter is 0 then. */
  begin(numThreads: number): void {
    this.numThreads = numThreads;
    this.#before = 0;
  }

  /**
   * Calls `work` for pieces that no other thread has taken. All threads must call it for the same lists of pieces, with
   * a barrier between two lists.
   */
  take(count: number, work: (piece: number) => void): void {
    const before = this.#before;
    // each thread stops at its first number beyond the last piece, so that a list advances the counter by its pieces
    // plus the number of threads
    this.#before += count + this.numThreads;
    for (;;) {
      const piece = Atomics.add(this.#taken, 0, 1) - before;
      if (piece >= count) return;
      work(piece);
    }
  }

  /** Returns the number of rows per piece, small enough that threads finish at about the same time. */
  pieceOf(numRows: number): number {
    const share = Math.ceil(numRows / (4 * this.numThreads));
    return this.numThreads === 1 ? BLOCK_ROWS : Math.min(BLOCK_ROWS, Math.max(GATHERED, share));
  }

  /** Returns the range of rows of a thread. */
  rows(begin: number, end: number, index = this.index): [from: number, to: number] {
    const { numThreads } = this;
    const at = (t: number) => begin + Math.floor(((end - begin) * t) / numThreads);
    return [at(index), at(index + 1)];
  }

  /**
   * Adds up sums that were computed per block of rows, in the order of the blocks.
   * @param at byte offset of the first block's sums
   */
  sumOf(at: number, count: number): [sumG: number, sumH: number] {
    const sums = this.f64(at, 2 * count);
    let [sumG, sumH] = [0, 0];
    for (let b = 0; b < count; b++) {
      sumG += sums[2 * b]!;
      sumH += sums[2 * b + 1]!;
    }
    return [sumG, sumH];
  }

  f64(at: number, length: number): Float64Array {
    return new Float64Array(this.buffer, at, length);
  }

  u32(at: number, length: number): Uint32Array {
    return new Uint32Array(this.buffer, at, length);
  }

  /** Waits for all threads. @throws {Error} the pool is being stopped */
  barrier(): void {
    const { kernel, layout, numThreads } = this;
    if (!kernel.barrier(layout.barrier.offset, numThreads)) throw new Error("the training was ended");
  }
}
