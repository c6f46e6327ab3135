// The Gram matrix of the vectors of one side, which is summed in parts.

import { panelIndex, type AlsKernel } from "../../kernels/als/binding.js";
import type { Arena, Region } from "../../kernels/shared/memory.js";
import type { Work } from "../../workers/kernel-thread.js";

/**
 * Number of parts in which a Gram matrix is summed; it does not depend on the number of threads, so the result does not
 * either.
 */
const GRAM_PARTS = 16;

/** Sums of the parts of a Gram matrix. All rows must be added in their order, at once or range by range. */
export class GramSums {
  readonly #arena: Arena;
  readonly #D: number;
  /** f32[GRAM_PARTS][D][D], in panels */
  readonly #sums: Region;

  constructor(arena: Arena, D: number) {
    this.#arena = arena;
    this.#D = D;
    this.#sums = arena.numbers("Gram matrices", GRAM_PARTS * D * D);
  }

  clear(): void {
    this.#arena.f32(this.#sums).fill(0);
  }

  /** Returns the work that adds all rows of a side; each thread takes whole parts. @param rows f32[numRows][D] */
  wholeSide(rows: Region, numRows: number): Work<AlsKernel> {
    const sums = Uint32Array.from({ length: GRAM_PARTS }, (_, part) => this.#at(part));
    return {
      take: { end: numRows, size: 1024, parts: GRAM_PARTS },
      call: ["addGram", rows.offset, this.#D, "first", "count", "thread", sums, 0, this.#D / 8],
    };
  }

  /**
   * Returns the works that add rows `first` .. `last` - 1 of a side of `numRows` rows; threads take panels, because the
   * rows may belong to a single part.
   *
   * @param rows f32[last - first][D]
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

  /** Returns f64[D * D], in panels of eight columns. */
  total(): Float64Array {
    const D = this.#D;
    const parts = this.#arena.f32(this.#sums);
    const gram = new Float64Array(D * D);
    for (let part = 0; part < GRAM_PARTS; part++) {
      const from = part * D * D;
      for (let i = 0; i < gram.length; i++) gram[i]! += parts[from + i]!;
    }
    // the kernel computed only the upper triangle
    for (let r = 0; r < D; r++) {
      for (let k = 0; k < r; k++) gram[panelIndex(D, r, k)] = gram[panelIndex(D, k, r)]!;
    }
    return gram;
  }

  #at(part: number): number {
    return this.#sums.offset + part * this.#D * this.#D * 4;
  }
}
