// A thread's share of a training: which rows and blocks it takes, and where it meets the others.
//
// Threads take pieces of the work as they come, so that one on a busy core does less. A sum of f64 is made by blocks of 4,096 rows and
// added in their order, and sums of integers are the same in any order: the same bytes whoever takes what.

import { BLOCK_ROWS, GATHERED, type GbdtKernel, type GbdtLayout } from "../../../kernels/gbdt/binding.js";

/** One thread's kernel, memory and share. */
export class OwnShare {
  readonly kernel: GbdtKernel;
  readonly layout: GbdtLayout;
  readonly index: number;
  readonly buffer: SharedArrayBuffer;
  readonly #taken: Uint32Array;
  /** what was taken before the next work */
  #before = 0;
  /** threads that do what is under way, the first ones of the layout's */
  numThreads: number;

  constructor(kernel: GbdtKernel, layout: GbdtLayout, index: number, buffer: SharedArrayBuffer) {
    this.kernel = kernel;
    this.layout = layout;
    this.index = index;
    this.buffer = buffer;
    this.numThreads = layout.numThreads;
    this.#taken = new Uint32Array(buffer, layout.taken, 1);
  }

  /** As shared/struct.ts takes it. */
  get memory(): { readonly buffer: SharedArrayBuffer } {
    return { buffer: this.buffer };
  }

  /** This thread's room for gathered rows, or for its sorting of categories. */
  get scratch(): number {
    return this.layout.scratch + this.index * this.layout.scratchBytes;
  }

  /** To be called when the threads are asked for something; `taken` is 0 then. */
  begin(numThreads: number): void {
    this.numThreads = numThreads;
    this.#before = 0;
  }

  /**
   * Does those of `count` pieces of work that no other thread has taken; all threads call it for the same works, and meet at a barrier
   * before the next.
   */
  take(count: number, work: (piece: number) => void): void {
    const before = this.#before;
    // each thread takes one number more than there are pieces, so that all know where the next work begins
    this.#before += count + this.numThreads;
    for (;;) {
      const piece = Atomics.add(this.#taken, 0, 1) - before;
      if (piece >= count) return;
      work(piece);
    }
  }

  /** Rows of a piece of so many: small enough that threads end at about the same time. */
  pieceOf(numRows: number): number {
    const share = Math.ceil(numRows / (4 * this.numThreads));
    return this.numThreads === 1 ? BLOCK_ROWS : Math.min(BLOCK_ROWS, Math.max(GATHERED, share));
  }

  /** The consecutive rows of a thread. */
  rows(begin: number, end: number, index = this.index): [from: number, to: number] {
    const { numThreads } = this;
    const at = (t: number) => begin + Math.floor(((end - begin) * t) / numThreads);
    return [at(index), at(index + 1)];
  }

  /** The sum of blocks' sums, in their order. @param at where the first one's are */
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

  /** Waits for all threads. @throws {Error} the pool is stopping */
  barrier(): void {
    const { kernel, layout, numThreads } = this;
    if (!kernel.barrier(layout.barrier.offset, numThreads)) throw new Error("the training was ended");
  }
}
