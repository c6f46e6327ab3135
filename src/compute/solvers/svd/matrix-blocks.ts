// The entries of a matrix that is decomposed in blocks of rows, so that vectors of the side "rows" need not be in
// memory, nor the entries.
//
//   rows of the caller, or in the store ──┐
//   store: each block by columns ─────────┴─► one of two slots of the kernel's memory, read while the threads work on the other
//
// A block is one of the parts in which sums over rows are added up, or some of its chunks if the part has many entries:
// results are the same as without blocks.

import { packedRows, rowsBetween, unpackedRows, type SparseRows } from "../../kernels/als/binding.js";
import type { Arena, Region } from "../../kernels/shared/memory.js";
import { allocateStruct, putStruct } from "../../kernels/shared/struct.js";
import { SparsePlan } from "../../kernels/svd/layout.js";

/** Number of parts of a sum over rows; constant, so that rounding does not depend on the number of threads. */
export const PARTS = 16;

/** Rows of a part that are summed in single precision first (CHUNK of the kernel). */
const CHUNK = 256;

/** Number of entries from which a block is not continued with further chunks: 32 MiB with values. */
const MOST_ENTRIES = 2 ** 22;

const partOf = (row: number, numRows: number) => Math.ceil((PARTS * (row + 1)) / numRows) - 1;

/** Returns whether a block begins with a row. @param entries number of entries of the block of the rows before it */
export function beginsBlock(row: number, numRows: number, entries: number): boolean {
  const first = Math.floor((partOf(row, numRows) * numRows) / PARTS);
  return row === first || (entries >= MOST_ENTRIES && (row - first) % CHUNK === 0);
}

/** Returns the first row of each block, and the number of all rows. */
export function blockStarts(indptr: Uint32Array): number[] {
  const numRows = indptr.length - 1;
  const starts: number[] = [];
  for (let row = 0; row < numRows; row++)
    if (beginsBlock(row, numRows, indptr[row]! - indptr[starts.at(-1) ?? 0]!)) starts.push(row);
  return [...starts, numRows];
}

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
  /** true if block B is in the store as `rows B`, packed; the matrix then has `indptr` and empty entries */
  hasRows?: boolean;
}

export const rowsName = (block: number): string => `rows ${block}`;

/** Returns a block of rows. @param first,last the block's first row, and that of the next one */
export function rowsOfBlock(
  matrix: SparseRows,
  { store, hasRows }: Pick<InBlocks, "store" | "hasRows">,
  { index, first, last }: { index: number; first: number; last: number },
): SparseRows {
  if (hasRows !== true) return rowsBetween(matrix, first, last);
  const numbers = new Uint32Array(packedLength(matrix, first, last));
  store.readPart(rowsName(index), 0, numbers);
  return unpackedRows(numbers, last - first, matrix.values !== undefined);
}

function packedLength({ indptr, values }: SparseRows, first: number, last: number): number {
  return last - first + 1 + (values ? 2 : 1) * (indptr[last]! - indptr[first]!);
}

export interface RowBlock {
  index: number;
  /** number of the part of which it has rows */
  part: number;
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
  readonly #inBlocks: InBlocks;
  readonly #starts: number[];
  readonly saved: SavedPanels;
  readonly #slots: readonly Record<"rows" | "columns", { plan: number; numbers: Region }>[];
  #scalings: Scalings | undefined;

  constructor(arena: Arena, matrix: SparseRows, numColumns: number, inBlocks: InBlocks) {
    this.#arena = arena;
    this.#matrix = matrix;
    this.#numColumns = numColumns;
    this.#inBlocks = inBlocks;
    this.#starts = blockStarts(matrix.indptr);
    this.saved = new SavedPanels(inBlocks.store, this.#starts);
    const most = (of: (b: number) => number) =>
      Array.from({ length: this.numBlocks }, (_, b) => of(b)).reduce((x, y) => Math.max(x, y), 0);
    this.mostRows = most((b) => this.#starts[b + 1]! - this.#starts[b]!);
    const entries = (matrix.values ? 2 : 1) * most((b) => this.#numEntries(b));
    const place = (numRowsOfSide: number) => ({
      plan: allocateStruct(arena, "a sparse matrix", SparsePlan),
      numbers: arena.numbers("the entries of a block", numRowsOfSide + 1 + entries),
    });
    this.#slots = [0, 1].map(() => ({ rows: place(this.mostRows), columns: place(numColumns) }));
  }

  get numBlocks(): number {
    return this.#starts.length - 1;
  }

  /** Writes the transposed entries of each block to the store. */
  async begin(scalings: Scalings): Promise<void> {
    this.#scalings = scalings;
    const { store, transpose } = this.#inBlocks;
    for (let b = 0; b < this.numBlocks; b++) {
      const rows = rowsOfBlock(this.#matrix, this.#inBlocks, this.#rangeOf(b));
      await store.write(columnsName(b), packedRows(transpose(rows, this.#numColumns)));
    }
  }

  /** Calls `work` with each block in turn, while the next block is read from the store. */
  async each(work: (block: RowBlock) => Promise<void>): Promise<void> {
    let block = await this.#load(0);
    for (let b = 0; b < this.numBlocks; b++) {
      const [, next] = await Promise.all([work(block), b + 1 < this.numBlocks ? this.#load(b + 1) : block]);
      block = next;
    }
  }

  async save(name: string, { index }: RowBlock, panel: Float32Array): Promise<void> {
    const numbers = new Uint32Array(panel.buffer, panel.byteOffset, panel.length);
    await this.#inBlocks.store.write(`${name} ${index}`, numbers);
  }

  async #load(b: number): Promise<RowBlock> {
    const { rows, columns } = this.#slots[b & 1]!;
    const { first, last } = this.#rangeOf(b);
    const count = last - first;
    const isLast = b + 1 === this.numBlocks;
    const part = partOf(first, this.#matrix.indptr.length - 1);
    const { scale, shift } = this.#scalings!.rows;
    const { store, hasRows } = this.#inBlocks;
    const [ofRows, length] = [this.#arena.u32(rows.numbers), packedLength(this.#matrix, first, last)];
    if (hasRows) await store.read(rowsName(b), ofRows.subarray(0, length));
    else ofRows.set(packedRows(rowsBetween(this.#matrix, first, last)));
    const moved = (offset: number) => offset && offset + 4 * first;
    this.#put(rows, count + 1, b, { scale: moved(scale), shift: moved(shift) });
    const ofColumns = this.#arena.u32(columns.numbers);
    await store.read(columnsName(b), ofColumns.subarray(0, length - count + this.#numColumns));
    // columns are sums over all blocks, so they are scaled and shifted once, with the last block
    this.#put(columns, this.#numColumns + 1, b, isLast ? this.#scalings!.columns : { scale: 0, shift: 0 });
    return { index: b, part, first, count, isLast, rows: rows.plan, columns: columns.plan };
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

  #rangeOf(b: number): { index: number; first: number; last: number } {
    return { index: b, first: this.#starts[b]!, last: this.#starts[b + 1]! };
  }
}

const columnsName = (block: number): string => `columns ${block}`;
