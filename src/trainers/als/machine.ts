// Vectors of users and items in shared memory, and the threads that update them.

import {
  allocateScratch,
  allocateSide,
  paddedDim,
  type AlsKernel,
  type AlsSide,
  type SparseRows,
} from "../../kernels/als/binding.js";
import { ThreadedKernel } from "../../workers/threaded-kernel.js";
import { GramSums } from "./gram.js";

export interface AlsShape {
  dim: number;
  /** number of dimensions that are solved together, a multiple of 8 */
  block: number;
  threads: number;
  /** the same events grouped by user and grouped by item */
  users: SparseRows;
  items: SparseRows;
}

export type SideName = "users" | "items";

/** Holds the vectors, which are zero at first, and the threads. `terminate` ends the threads and must be called. */
export class AlsMachine extends ThreadedKernel<AlsKernel> {
  readonly sides: Record<SideName, AlsSide>;
  readonly #dim: number;
  readonly #padded: number;
  readonly #scratches: number[];
  /** partial sums of the Gram matrix, f32[GRAM_PARTS][D][D], in panels */
  readonly #sums: GramSums;

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
    this.#sums = new GramSums(arena, D);
    const scratch = () => allocateScratch(arena, D, block, [users, items]);
    this.#scratches = Array.from({ length: threads }, scratch);
  }

  /**
   * Lays out the arrays and starts the threads.
   * @throws {UsageError} the vectors and the events do not fit in one memory
   */
  static async start(shape: AlsShape): Promise<AlsMachine> {
    const machine = new AlsMachine(shape);
    return await machine.begin("als", { threads: machine.#scratches });
  }

  /** Sets each element of the users' or the items' vectors to `valueOf(row, dimension)`. */
  fill(name: SideName, valueOf: (row: number, d: number) => number): void {
    const { rows, numRows } = this.sides[name];
    const vectors = this.arena.f32(rows);
    for (let r = 0; r < numRows; r++) {
      for (let d = 0; d < this.#dim; d++) vectors[r * this.#padded + d] = valueOf(r, d);
    }
  }

  /**
   * Sets the vectors of the rows for which `isWanted` returns true, by default of all rows.
   *
   * @param vectors f32[numRows * dim], row-major
   */
  setVectors(name: SideName, vectors: Float32Array, isWanted: (row: number) => boolean = () => true): void {
    const { rows, numRows } = this.sides[name];
    const padded = this.arena.f32(rows);
    for (let r = 0; r < numRows; r++) {
      if (isWanted(r)) padded.set(vectors.subarray(r * this.#dim, (r + 1) * this.#dim), r * this.#padded);
    }
  }

  /** Returns a copy of the users' or the items' vectors. @returns f32[numRows * dim], row-major */
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

  /** Computes the Gram matrix of the users' or the items' vectors. @returns f64[D * D], in panels of eight columns */
  async gram(name: SideName): Promise<Float64Array> {
    const { rows, numRows } = this.sides[name];
    this.#sums.clear();
    await this.run(this.#sums.wholeSide(rows, numRows));
    return this.#sums.total();
  }

  /**
   * Solves the vectors of all users, or of all items, while those of the other side are fixed.
   *
   * @param gram f64[D * D]: Gram matrix of the other side, multiplied by the weight of unobserved pairs
   * @returns the sum over all events of c (1 - s)^2, for an event with confidence c and score s
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
