import {
  allocateScratch,
  allocateSide,
  paddedDim,
  panelIndex,
  type AlsKernel,
  type AlsSide,
  type SparseRows,
} from "../../compute/kernels/als/binding.js";
import { ThreadedKernel } from "../../compute/threads/threaded-kernel.js";
import { BLOCK } from "./user-blocks.js";
import type { Arena, Region } from "../../compute/kernels/shared/memory.js";
import type { Work } from "../../compute/threads/kernel-thread.js";

interface AlsShape {
  dim: number;
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
  readonly #sums: GramSums;

  private constructor({ dim, users, items, threads }: AlsShape) {
    super();
    const { arena } = this;
    const D = paddedDim(dim);
    const block = Math.min(BLOCK, D);
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
    this.#scratches = Array.from({ length: threads }, () => allocateScratch(arena, D, block, [users, items]));
  }

  /** @throws {UsageError} the vectors and the events do not fit in one memory */
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

  /** Returns a copy, f32[numRows * dim], row-major. */
  vectors(name: SideName): Float32Array {
    const { rows } = this.sides[name];
    return withoutPadding(this.arena.f32(rows), this.#padded, this.#dim);
  }

  /** Computes a side's Gram matrix, f64[D * D], in panels of eight columns. */
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

/** Returns vectors without the padding of their rows, f32[numRows * dim]. @param rows f32[numRows][D] */
export function withoutPadding(rows: Float32Array, D: number, dim: number): Float32Array {
  const dense = new Float32Array((rows.length / D) * dim);
  for (let i = 0; i < rows.length / D; i++) dense.set(rows.subarray(i * D, i * D + dim), i * dim);
  return dense;
}

/** Number of partial sums; it does not depend on the number of threads, so the result does not either. */
const GRAM_PARTS = 16;

/**
 * Computes the Gram matrix of all users' or all items' vectors, as the sum of partial matrices. All vectors must be added
 * in their order, at once or range by range.
 */
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
