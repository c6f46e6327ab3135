// A thread's share of a training: which rows and blocks are its own, and where it meets the others.
//
// Rows are cut among threads for sums and partitions. Where a sum is of f64 it is made by blocks of 4,096 rows that are dealt
// out in turn and added in their order: the same bytes at any number of threads.

import { BLOCK_ROWS, type GbdtKernel, type GbdtLayout } from "../../../kernels/gbdt/binding.js";

/** Consecutive rows that are summed by themselves. */
export interface Block {
  first: number;
  n: number;
  block: number;
}

/** One thread's kernel, memory and share. */
export class OwnShare {
  readonly kernel: GbdtKernel;
  readonly layout: GbdtLayout;
  readonly index: number;
  readonly buffer: SharedArrayBuffer;
  /** threads that do what is under way, the first ones of the layout's */
  numThreads: number;

  constructor(kernel: GbdtKernel, layout: GbdtLayout, index: number, buffer: SharedArrayBuffer) {
    this.kernel = kernel;
    this.layout = layout;
    this.index = index;
    this.buffer = buffer;
    this.numThreads = layout.numThreads;
  }

  /** As shared/struct.ts takes it. */
  get memory(): { readonly buffer: SharedArrayBuffer } {
    return { buffer: this.buffer };
  }

  /** This thread's room for gathered rows, or for its sorting of categories. */
  get scratch(): number {
    return this.layout.scratch + this.index * this.layout.scratchBytes;
  }

  /** This thread's blocks of rows begin .. end - 1; they are numbered from `start`. */
  *blocks(begin: number, end: number, start = 0): Generator<Block> {
    const { numThreads } = this;
    let block = start + ((this.index - (start % numThreads) + numThreads) % numThreads);
    for (; ; block += numThreads) {
      const first = begin + (block - start) * BLOCK_ROWS;
      if (first >= end) return;
      yield { first, n: Math.min(BLOCK_ROWS, end - first), block };
    }
  }

  /** The consecutive rows of a thread. */
  rows(begin: number, end: number, index = this.index): [from: number, to: number] {
    const { numThreads } = this;
    const at = (t: number) => begin + Math.floor(((end - begin) * t) / numThreads);
    return [at(index), at(index + 1)];
  }

  /** The sum of blocks' sums, in their order. @param at where the first one's are */
  sumOf(at: number, count: number): [sumG: number, sumH: number] {
    const sums = new Float64Array(this.buffer, at, 2 * count);
    let [sumG, sumH] = [0, 0];
    for (let b = 0; b < count; b++) {
      sumG += sums[2 * b]!;
      sumH += sums[2 * b + 1]!;
    }
    return [sumG, sumH];
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
