// A thread's part in a training: the pieces of work that it takes, and the barriers at which it waits for the others.
//
// Each list of pieces is divided into a range per thread. A thread takes the pieces of its own range first, then those
// that are left in the ranges of the others, so that a thread on a busy core takes fewer. A leaf lists its rows in
// ascending order, so the rows of a thread's range are nearly the same from leaf to leaf and from tree to tree, and
// their gradients, scores and positions stay in the cache of its core: without ranges, two threads spent 1.4 times the
// processor time of one.
//
// Sums of f64 are computed per block of 4,096 rows and added in the blocks' order, and sums of integers do not depend on
// the order, so results have the same bytes whichever thread takes which piece.

import {
  BLOCK_ROWS,
  GATHERED,
  MARK,
  type GbdtKernel,
  type GbdtLayout,
} from "../../../compute/kernels/gbdt/binding.js";

export class OwnShare {
  readonly kernel: GbdtKernel;
  readonly layout: GbdtLayout;
  readonly index: number;
  readonly buffer: SharedArrayBuffer;
  /** u32: a counter per thread of the pieces taken in even-numbered calls of `take`, then those for odd-numbered calls */
  readonly #taken: Uint32Array;
  /** for each counter, its value when the next call of `take` that uses it begins */
  readonly #before: Float64Array;
  #numLists = 0;
  /** threads 0 .. numThreads - 1 take part */
  numThreads: number;

  constructor(kernel: GbdtKernel, layout: GbdtLayout, index: number, buffer: SharedArrayBuffer) {
    this.kernel = kernel;
    this.layout = layout;
    this.index = index;
    this.buffer = buffer;
    this.numThreads = layout.numThreads;
    this.#taken = new Uint32Array(buffer, layout.taken, (2 * layout.numThreads * MARK) / 4);
    this.#before = new Float64Array(2 * layout.numThreads);
  }

  /** In the form that shared/struct.ts expects. */
  get memory(): { readonly buffer: SharedArrayBuffer } {
    return { buffer: this.buffer };
  }

  /** Byte offset of this thread's buffer for gathered rows or for sorting categories. */
  get scratch(): number {
    return this.layout.scratch + this.index * this.layout.scratchBytes;
  }

  /** Called when a task begins, after the counters in shared memory were set to 0. */
  begin(numThreads: number): void {
    this.numThreads = numThreads;
    this.#before.fill(0);
    this.#numLists = 0;
  }

  /**
   * Calls `work` for those of the pieces 0 .. count - 1 that no other thread has taken, first for those of this
   * thread's range. All threads must make the same calls in the same order, with a barrier after every second call at
   * the latest, because only two consecutive calls have separate counters.
   */
  take(count: number, work: (piece: number) => void): void {
    const { index, numThreads } = this;
    const set = (this.#numLists++ & 1) * this.layout.numThreads;
    for (let t = index; t < index + numThreads; t++) {
      const of = t % numThreads;
      const counter = ((set + of) * MARK) / 4;
      const [from, to] = this.rows(0, count, of);
      const before = this.#before[set + of]!;
      // each thread increments the counter once beyond the end of the range, so that a call advances the counter by the
      // number of pieces plus the number of threads
      this.#before[set + of] = before + to - from + numThreads;
      for (;;) {
        const piece = from + Atomics.add(this.#taken, counter, 1) - before;
        if (piece >= to) break;
        work(piece);
      }
    }
  }

  /** Rows per piece, few enough that threads finish at about the same time. */
  pieceOf(numRows: number): number {
    const share = Math.ceil(numRows / (4 * this.numThreads));
    return this.numThreads === 1 ? BLOCK_ROWS : Math.min(BLOCK_ROWS, Math.max(GATHERED, share));
  }

  /** A thread's part of the rows (or pieces) begin .. end - 1. */
  rows(begin: number, end: number, index = this.index): [from: number, to: number] {
    const { numThreads } = this;
    const at = (t: number) => begin + Math.floor(((end - begin) * t) / numThreads);
    return [at(index), at(index + 1)];
  }

  /** Adds up sums per block of rows, in the order of the blocks. @param at byte offset of the first block's sums */
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

  /** @throws {Error} the pool is being stopped */
  barrier(): void {
    const { kernel, layout, numThreads } = this;
    if (!kernel.barrier(layout.barrier.offset, numThreads)) throw new Error("the training was ended");
  }
}
