// Least squares on threads. The vectors of all items are in the kernel's memory; those of users are in blocks:
//
//   ResidentMachine   one block, which the kernel's memory holds with its events; a store in memory has a copy
//   StreamedMachine   many blocks, which are read one after another (streamed-machine.ts)
//
// Both give the same bytes, and either resumes from a checkpoint of the other.

import {
  allocateScratch,
  allocateSide,
  paddedDim,
  panelIndex,
  type AlsKernel,
  type AlsSide,
  type SparseRows,
} from "../../compute/kernels/als/binding.js";
import { BlockStore } from "../../base/io/block-store.js";
import { ThreadedKernel } from "../../compute/threads/threaded-kernel.js";
import { transpose } from "../../dataset/sequences/interactions.js";
import { floatsOf, type NamedArrays } from "../../training/epochs/named-arrays.js";
import { KeptRows } from "../shared/factor-model/kept-rows.js";
import { BLOCK, cutUsers, mostBetween } from "./user-blocks.js";
import type { Arena, Region } from "../../compute/kernels/shared/memory.js";
import type { Work } from "../../compute/threads/kernel-thread.js";

export type SideName = "users" | "items";

export interface AlsShape {
  dim: number;
  threads: number;
  /** events grouped by user */
  users: SparseRows;
  numItems: number;
  /** f32 each: penalty of each user and item */
  penalties: Record<SideName, Float32Array>;
}

/** The vectors of all items without padding, f32[numItems * dim], under the name that they have in checkpoints. */
export type ItemVectors = Record<"items", Float32Array>;

/** Holds the vectors, which are zero at first, and the threads. `terminate` ends the threads and must be called. */
export abstract class AlsMachine extends ThreadedKernel<AlsKernel> {
  abstract readonly store: BlockStore;
  /** the users' vectors in the store; each of its blocks holds f32[maximum number of users per block][D] */
  abstract readonly rows: KeptRows;
  /** f32[numItems][D] */
  readonly items: Region;
  readonly D: number;
  /** number of dimensions that are solved together */
  readonly b: number;
  /** u32[numBlocks + 1]: first user of each block, and the number of users */
  readonly starts: Uint32Array;
  readonly sizes: { numPartitions: number; length: number };
  readonly gramSums: GramSums;
  readonly #dim: number;

  constructor({ dim, users, numItems }: AlsShape) {
    super();
    this.#dim = dim;
    this.D = paddedDim(dim);
    this.b = Math.min(BLOCK, this.D);
    this.starts = cutUsers(users, 4 * this.D);
    this.sizes = { numPartitions: this.starts.length - 1, length: mostBetween(this.starts) * this.D };
    this.items = this.arena.numbers(`the vectors of ${numItems} items`, numItems * this.D);
    this.gramSums = new GramSums(this.arena, this.D);
  }

  /**
   * Solves all users while the items' vectors are fixed.
   *
   * @param gram f64[D * D]: Gram matrix of the items, multiplied by the weight of unobserved pairs
   * @returns the Gram matrix of the users
   */
  abstract solveUsers(gram: Float64Array): Promise<Float64Array>;

  /**
   * Solves all items while the users' vectors are fixed.
   *
   * @param gram f64[D * D]: Gram matrix of the users, multiplied by the weight of unobserved pairs
   * @returns the sum over all events of c (1 - s)^2, for an event with confidence c and score s
   */
  abstract solveItems(gram: Float64Array): Promise<number>;

  /** @param rows u32: the bits of f32[maximum number of users per block][D] */
  abstract setPartition(block: number, rows: Uint32Array): Promise<void>;

  get state(): ItemVectors {
    return { items: withoutPadding(this.arena.f32(this.items), this.D, this.#dim) };
  }

  set state(arrays: NamedArrays) {
    const rows = this.arena.f32(this.items);
    const dim = this.#dim;
    const dense = floatsOf(arrays, "items", (rows.length / this.D) * dim);
    for (let i = 0; i < dense.length / dim; i++) rows.set(dense.subarray(i * dim, (i + 1) * dim), i * this.D);
  }

  /** Computes the items' Gram matrix, f64[D * D], in panels of eight columns. */
  async itemGram(): Promise<Float64Array> {
    return await this.gramOf(this.items);
  }

  /** @param rows f32[][D] */
  async gramOf(rows: Region): Promise<Float64Array> {
    this.gramSums.clear();
    await this.run(this.gramSums.wholeSide(rows, rows.bytes / (4 * this.D)));
    return this.gramSums.total();
  }
}

/** Has all users and all events in the kernel's memory. */
export class ResidentMachine extends AlsMachine {
  readonly store = new BlockStore("", Infinity);
  readonly rows: KeptRows;
  readonly #sides: Record<SideName, AlsSide>;
  readonly #threads: number[];

  private constructor(shape: AlsShape) {
    super(shape);
    const { arena, D, b: block, items } = this;
    const { users, numItems, threads, penalties } = shape;
    const numUsers = users.indptr.length - 1;
    const rows = arena.numbers(`the vectors of ${numUsers} users`, numUsers * D);
    const events = { users, items: transpose(users, numItems) };
    this.#sides = {
      users: allocateSide(arena, { D, block, rows, others: items, events: events.users }),
      items: allocateSide(arena, { D, block, rows: items, others: rows, events: events.items }),
    };
    for (const name of ["users", "items"] as const)
      arena.f32(this.#sides[name].penalties).set(penalties[name]);
    this.#threads = Array.from({ length: threads }, () =>
      allocateScratch(arena, D, block, [events.users, events.items]),
    );
    this.rows = new KeptRows(this.store, this.sizes.numPartitions);
  }

  /** @throws {UsageError} the vectors and the events do not fit in one memory */
  static async start(shape: AlsShape): Promise<AlsMachine> {
    const machine = new ResidentMachine(shape);
    return await machine.begin("als", { threads: machine.#threads });
  }

  async solveUsers(gram: Float64Array): Promise<Float64Array> {
    await this.#solve("users", gram);
    const { starts, D, sizes } = this;
    const rows = this.arena.u32(this.#sides.users.rows);
    for (let block = 0; block < sizes.numPartitions; block++) {
      const padded = new Uint32Array(sizes.length);
      padded.set(rows.subarray(starts[block]! * D, starts[block + 1]! * D));
      await this.rows.write(block, padded);
    }
    return await this.gramOf(this.#sides.users.rows);
  }

  async solveItems(gram: Float64Array): Promise<number> {
    return await this.#solve("items", gram);
  }

  async setPartition(block: number, rows: Uint32Array): Promise<void> {
    const [first, last] = [this.starts[block]!, this.starts[block + 1]!];
    this.arena.u32(this.#sides.users.rows).set(rows.subarray(0, (last - first) * this.D), first * this.D);
    await this.rows.write(block, rows);
  }

  async #solve(name: SideName, gram: Float64Array): Promise<number> {
    const side = this.#sides[name];
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
