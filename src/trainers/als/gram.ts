// Computes the Gram matrix of all users' or all items' vectors, as the sum of partial matrices.

import { panelIndex, type AlsKernel } from "../../kernels/als/binding.js";
import type { Arena, Region } from "../../kernels/shared/memory.js";
import type { Work } from "../../workers/kernel-thread.js";

/**
 * Number of parts in which a Gram matrix is summed; it does not depend on the number of threads, so the result does not
 * either.
 */
const GRAM_PARTS = 16;

/** Partial sums of a Gram matrix. All vectors must be added in their order, at once or range by range. */
export class GramSums {
  readonly #arena: Arena;
  readonly #D: number;
  /** partial Gram matrices, f32[GRAM_PARTS][D][D], each stored in panels of eight columns */
  readonly #sums: Region;

  constructor(arena: Arena, D: number) {
    this.#arena = arena;
    this.#D = D;
    this.#sums = arena.numbers("Gram matrices", GRAM_PARTS * D * D);
  }

  clear(): void {
    this.#arena.f32(this.#sums).fill(0);
  }

  /**
   * Returns the kernel calls by which threads add the vectors of all users, or of all items; each thread sums whole
   * partial matrices.
   *
   * @param rows f32[numRows][D]: the padded vectors
   */
  wholeSide(rows: Region, numRows: number): Work<AlsKernel> {
    const sums = Uint32Array.from({ length: GRAM_PARTS }, (_, part) => this.#at(part));
    return {
      take: { end: numRows, size: 1024, parts: GRAM_PARTS },
      call: ["addGram", rows.offset, this.#D, "first", "count", "thread", sums, 0, this.#D / 8],
    };
  }

  /**
   * Returns the kernel calls by which threads add vectors `first` .. `last` - 1 of `numRows`; threads divide the
   * columns of the matrix, because these vectors may all belong to one partial matrix.
   *
   * @param rows f32[last - first][D]: the padded vectors
   */
  range(rows: Region, numRows: number, { first, last }: { first: number; last: number }): Work<AlsKernel>[] {
    const edge = (part: number) => Math.floor((part * numRows) / GRAM_PARTS);
    return Array.from({ length: GRAM_PARTS }, (_, part) => ({
      part,
      from: Math.max(first, edge(part)),
      to: Math.min(last, edge(part + 1)),
    }))
      .filter(({ from, to }) => from < to)
      .map(({ part, from, to }) => ({
        take: { end: this.#D / 8, size: 1 },
        call: [
          ...(["addGram", rows.offset, this.#D, from - first, to - from] as const),
          ...(["thread", this.#at(part), "first", "end"] as const),
        ],
      }));
  }

  /** Returns the Gram matrix, f64[D * D], in panels of eight columns. */
  total(): Float64Array {
    const D = this.#D;
    const parts = this.#arena.f32(this.#sums);
    const gram = new Float64Array(D * D);
    for (let part = 0; part < GRAM_PARTS; part++) {
      const from = part * D * D;
      for (let i = 0; i < gram.length; i++) gram[i]! += parts[from + i]!;
    }
    // mirrors the upper triangle, because the kernel computes no other part
    for (let r = 0; r < D; r++) {
      for (let k = 0; k < r; k++) gram[panelIndex(D, r, k)] = gram[panelIndex(D, k, r)]!;
    }
    return gram;
  }

  #at(part: number): number {
    return this.#sums.offset + part * this.#D * this.#D * 4;
  }
}
