// Both sides' vectors in shared memory, and the threads that move them.

import {
  allocateScratch,
  allocateSide,
  paddedDim,
  panelIndex,
  type AlsKernel,
  type AlsSide,
  type SparseRows,
} from "../../kernels/als/binding.js";
import type { Region } from "../../kernels/shared/memory.js";
import { ThreadedKernel } from "../../workers/threaded-kernel.js";

/** Parts that a Gram matrix is summed in: cut by the data, and never by the threads. */
const GRAM_PARTS = 16;

export interface AlsShape {
  dim: number;
  /** dimensions solved together, a multiple of 8 */
  block: number;
  threads: number;
  /** the same events by user and by item */
  users: SparseRows;
  items: SparseRows;
}

export type SideName = "users" | "items";

/** Vectors of zeros at first; `terminate` ends the threads and must be called. */
export class AlsMachine extends ThreadedKernel<AlsKernel> {
  readonly sides: Record<SideName, AlsSide>;
  readonly #dim: number;
  readonly #padded: number;
  readonly #scratches: number[];
  /** f32[GRAM_PARTS][D][D], in panels */
  readonly #sums: Region;

  private constructor({ dim, users, items, threads, ...shape }: AlsShape) {
    super();
    const { arena } = this;
    const D = paddedDim(dim);
    const block = Math.min(shape.block, D);
    const vectors = (events: SparseRows, name: string) =>
      arena.allocate(
        `the vectors of ${events.indptr.length - 1} ${name}`,
        (events.indptr.length - 1) * D * 4,
      );
    const [W, H] = [vectors(users, "users"), vectors(items, "items")];
    this.sides = {
      users: allocateSide(arena, { D, block, rows: W, others: H, events: users }),
      items: allocateSide(arena, { D, block, rows: H, others: W, events: items }),
    };
    this.#dim = dim;
    this.#padded = D;
    this.#sums = arena.allocate("Gram matrices", GRAM_PARTS * D * D * 4);
    const scratch = () => allocateScratch(arena, D, block, [users, items]);
    this.#scratches = Array.from({ length: threads }, scratch);
  }

  /** @throws {UsageError} vectors and events do not fit one memory */
  static async start(shape: AlsShape): Promise<AlsMachine> {
    const machine = new AlsMachine(shape);
    return await machine.begin("als", { threads: machine.#scratches });
  }

  /** Fills a side's vectors: `valueOf(row, dimension)`. */
  fill(name: SideName, valueOf: (row: number, d: number) => number): void {
    const { rows, numRows } = this.sides[name];
    const vectors = this.arena.f32(rows);
    for (let r = 0; r < numRows; r++) {
      for (let d = 0; d < this.#dim; d++) vectors[r * this.#padded + d] = valueOf(r, d);
    }
  }

  /** Writes vectors over those of the rows that are wanted; all when absent. @param vectors f32[numRows * dim], row-major */
  setVectors(name: SideName, vectors: Float32Array, isWanted: (row: number) => boolean = () => true): void {
    const { rows, numRows } = this.sides[name];
    const padded = this.arena.f32(rows);
    for (let r = 0; r < numRows; r++) {
      if (isWanted(r)) padded.set(vectors.subarray(r * this.#dim, (r + 1) * this.#dim), r * this.#padded);
    }
  }

  /** A copy of a side's vectors. @returns f32[numRows * dim], row-major */
  vectors(name: SideName): Float32Array {
    const { rows, numRows } = this.sides[name];
    const padded = this.arena.f32(rows);
    const dense = new Float32Array(numRows * this.#dim);
    for (let r = 0; r < numRows; r++) {
      const from = r * this.#padded;
      dense.set(padded.subarray(from, from + this.#dim), r * this.#dim);
    }
    return dense;
  }

  /** The Gram matrix of a side's vectors. @returns f64[D * D], in panels of eight columns */
  async gram(name: SideName): Promise<Float64Array> {
    const { rows, numRows } = this.sides[name];
    const D = this.#padded;
    const parts = this.arena.f32(this.#sums);
    parts.fill(0);
    const sums = Uint32Array.from({ length: GRAM_PARTS }, (_, part) => this.#sums.offset + part * D * D * 4);
    await this.run({
      take: { end: numRows, size: 1024, parts: GRAM_PARTS },
      call: ["addGram", rows.offset, D, "first", "count", "thread", sums],
    });
    const gram = new Float64Array(D * D);
    for (let part = 0; part < GRAM_PARTS; part++) {
      const from = part * D * D;
      for (let i = 0; i < gram.length; i++) gram[i]! += parts[from + i]!;
    }
    // the kernel has summed the upper triangle
    for (let r = 0; r < D; r++) {
      for (let k = 0; k < r; k++) gram[panelIndex(D, r, k)] = gram[panelIndex(D, k, r)]!;
    }
    return gram;
  }

  /**
   * Solves every row of a side, the other side fixed.
   *
   * @param gram f64[D * D]: the other side's, times the weight of the unobserved
   * @returns the sum over all events of c (1 - s)^2
   */
  async solve(name: SideName, gram: Float64Array): Promise<number> {
    const side = this.sides[name];
    this.arena.f32(side.gram).set(gram);
    await this.run({
      take: { end: side.numRows, size: 64 },
      call: ["solveRows", side.offset, "thread", "first", "count"],
    });
    return this.arena
      .f64(side.losses)
      .subarray(0, side.numRows)
      .reduce((sum, loss) => sum + loss, 0);
  }
}
