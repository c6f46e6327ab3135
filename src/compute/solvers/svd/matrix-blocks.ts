// The entries of a matrix that is decomposed in blocks of rows, so that vectors of the side "rows" need not be in
// memory.
//
//   rows of the caller ──────────────┐
//   store: each block by columns ────┴─► one of two slots of the kernel's memory, read while the threads work on the other
//
// The blocks are the parts in which sums over rows are added up, so results are the same as without blocks.

import { packedRows, rowsBetween, type SparseRows } from "../../kernels/als/binding.js";
import type { Arena, Region } from "../../kernels/shared/memory.js";
import { allocateStruct, putStruct } from "../../kernels/shared/struct.js";
import { SparsePlan } from "../../kernels/svd/layout.js";

/** A store of blocks of numbers by name, perhaps on disk. */
export interface NumberStore {
  write(name: string, numbers: Uint32Array): Promise<void>;
  /** @throws {ArtifactError} the block was truncated or changed */
  read(name: string, into: Uint32Array): Promise<void>;
  /** Reads numbers of a block into an array, starting at number `from` of the block. */
  readPart(name: string, from: number, into: Uint32Array): void;
}

export interface InBlocks {
  store: NumberStore;
  /** returns the transpose of a sparse matrix; the entries of each of its rows are in ascending order */
  transpose: (rows: SparseRows, numColumns: number) => SparseRows;
}

export interface RowBlock {
  index: number;
  /** first row and number of rows */
  first: number;
  count: number;
  isLast: boolean;
  /** byte offsets of the structs with the block's entries, by rows and by columns */
  rows: number;
  columns: number;
}

/** Byte offsets of the vectors that scale and shift the matrix; 0 without one. */
type Scalings = Record<"rows" | "columns", { scale: number; shift: number }>;

/** Rows that were saved in the store block by block; they can be read after the kernel's memory is freed. */
export class SavedPanels {
  readonly #store: NumberStore;
  readonly #starts: readonly number[];

  /** @param starts first row of each block, and the number of all rows */
  constructor(store: NumberStore, starts: readonly number[]) {
    this.#store = store;
    this.#starts = starts;
  }

  /** Calls `take` with the rows of a range, block by block. @param width number of numbers of a row */
  readRows(
    name: string,
    { first, last }: { first: number; last: number },
    width: number,
    take: (row: number, numbers: Float32Array) => void,
  ): void {
    for (let b = 0; b + 1 < this.#starts.length; b++) {
      const [from, to] = [Math.max(first, this.#starts[b]!), Math.min(last, this.#starts[b + 1]!)];
      if (from >= to) continue;
      const numbers = new Uint32Array((to - from) * width);
      this.#store.readPart(`${name} ${b}`, (from - this.#starts[b]!) * width, numbers);
      take(from, new Float32Array(numbers.buffer));
    }
  }

  /** Reads all rows. @throws {ArtifactError} they were truncated or changed */
  async check(name: string, width: number): Promise<void> {
    for (let b = 0; b + 1 < this.#starts.length; b++) {
      const numbers = new Uint32Array((this.#starts[b + 1]! - this.#starts[b]!) * width);
      await this.#store.read(`${name} ${b}`, numbers);
    }
  }
}

export class MatrixBlocks {
  readonly mostRows: number;
  readonly #arena: Arena;
  readonly #matrix: SparseRows;
  readonly #numColumns: number;
  readonly #store: NumberStore;
  readonly #starts: number[];
  readonly saved: SavedPanels;
  readonly #slots: readonly Record<"rows" | "columns", { plan: number; numbers: Region }>[];
  #scalings: Scalings | undefined;

  constructor(arena: Arena, matrix: SparseRows, numColumns: number, numBlocks: number, store: NumberStore) {
    const numRows = matrix.indptr.length - 1;
    this.#arena = arena;
    this.#matrix = matrix;
    this.#numColumns = numColumns;
    this.#store = store;
    this.#starts = Array.from({ length: numBlocks + 1 }, (_, b) => Math.floor((b * numRows) / numBlocks));
    this.saved = new SavedPanels(store, this.#starts);
    const most = (of: (b: number) => number) =>
      Array.from({ length: numBlocks }, (_, b) => of(b)).reduce((x, y) => Math.max(x, y), 0);
    this.mostRows = most((b) => this.#starts[b + 1]! - this.#starts[b]!);
    const entries = (matrix.values ? 2 : 1) * most((b) => this.#numEntries(b));
    const place = (numRowsOfSide: number) => ({
      plan: allocateStruct(arena, "a sparse matrix", SparsePlan),
      numbers: arena.numbers("the entries of a block", numRowsOfSide + 1 + entries),
    });
    this.#slots = [0, 1].map(() => ({ rows: place(this.mostRows), columns: place(numColumns) }));
  }

  /** Writes the transposed entries of each block to the store. */
  async begin(transpose: InBlocks["transpose"], scalings: Scalings): Promise<void> {
    this.#scalings = scalings;
    for (let b = 0; b + 1 < this.#starts.length; b++)
      await this.#store.write(columnsName(b), packedRows(transpose(this.#rowsOf(b), this.#numColumns)));
  }

  /** Calls `work` with each block in turn, while the next block is read from the store. */
  async each(work: (block: RowBlock) => Promise<void>): Promise<void> {
    const numBlocks = this.#starts.length - 1;
    let block = await this.#load(0);
    for (let b = 0; b < numBlocks; b++) {
      const [, next] = await Promise.all([work(block), b + 1 < numBlocks ? this.#load(b + 1) : block]);
      block = next;
    }
  }

  async save(name: string, { index }: RowBlock, panel: Float32Array): Promise<void> {
    const numbers = new Uint32Array(panel.buffer, panel.byteOffset, panel.length);
    await this.#store.write(`${name} ${index}`, numbers);
  }

  async #load(b: number): Promise<RowBlock> {
    const { rows, columns } = this.#slots[b & 1]!;
    const own = this.#rowsOf(b);
    const first = this.#starts[b]!;
    const isLast = b + 2 === this.#starts.length;
    const { scale, shift } = this.#scalings!.rows;
    this.#arena.u32(rows.numbers).set(packedRows(own));
    const moved = (offset: number) => offset && offset + 4 * first;
    this.#put(rows, own.indptr.length, b, { scale: moved(scale), shift: moved(shift) });
    const length = this.#numColumns + 1 + (own.values ? 2 : 1) * own.indices.length;
    await this.#store.read(columnsName(b), this.#arena.u32(columns.numbers).subarray(0, length));
    // columns are sums over all blocks, so they are scaled and shifted once, with the last block
    this.#put(columns, this.#numColumns + 1, b, isLast ? this.#scalings!.columns : { scale: 0, shift: 0 });
    const count = own.indptr.length - 1;
    return { index: b, first, count, isLast, rows: rows.plan, columns: columns.plan };
  }

  #put(
    { plan, numbers }: { plan: number; numbers: Region },
    numEnds: number,
    b: number,
    scaling: { scale: number; shift: number },
  ): void {
    const indices = numbers.offset + 4 * numEnds;
    const values = this.#matrix.values ? indices + 4 * this.#numEntries(b) : 0;
    putStruct(this.#arena, SparsePlan, plan, { indptr: numbers, indices, values, ...scaling });
  }

  #numEntries(b: number): number {
    const { indptr } = this.#matrix;
    return indptr[this.#starts[b + 1]!]! - indptr[this.#starts[b]!]!;
  }

  #rowsOf(b: number): SparseRows {
    return rowsBetween(this.#matrix, this.#starts[b]!, this.#starts[b + 1]!);
  }
}

const columnsName = (block: number): string => `columns ${block}`;
