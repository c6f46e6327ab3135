import type { Arena, Region } from "../shared/memory.js";
import { writeStruct, writeStructs, type FieldsOf } from "../shared/struct.js";
import { CHUNK, ROWS, Scratch, Side } from "./layout.js";

export type { Kernel as AlsKernel } from "./layout.js";

/** A sparse matrix by rows: row r holds values[j] at column indices[j], j in [indptr[r], indptr[r + 1]). */
export interface SparseRows {
  /** u32[numRows + 1] */
  indptr: Uint32Array;
  /** u32[numEntries]: columns, distinct within a row */
  indices: Uint32Array;
  /** f32[numEntries]; absent when all are 1 */
  values?: Float32Array;
}

/** Returns rows first .. last - 1 of a sparse matrix. */
export function rowsBetween(
  { indptr, indices, values }: SparseRows,
  first: number,
  last: number,
): SparseRows {
  const [from, to] = [indptr[first]!, indptr[last]!];
  return {
    indptr: indptr.subarray(first, last + 1).map((end) => end - from),
    indices: indices.subarray(from, to),
    ...(values && { values: values.subarray(from, to) }),
  };
}

/**
 * Returns one u32 array with the arrays of sparse rows one after another: `indptr`, `indices`, and the bits of `values`
 * if there are any.
 * @param more number of zeros to append
 */
export function packedRows({ indptr, indices, values }: SparseRows, more = 0): Uint32Array {
  const end = indptr.length + indices.length;
  const numbers = new Uint32Array(end + (values ? values.length : 0) + more);
  numbers.set(indptr);
  numbers.set(indices, indptr.length);
  if (values) new Float32Array(numbers.buffer).set(values, end);
  return numbers;
}

/** Returns the sparse rows that `packedRows` packed; a matrix without values has a value of 1 for each entry. */
export function unpackedRows(numbers: Uint32Array, numRows: number, hasValues: boolean): SparseRows {
  const indptr = numbers.subarray(0, numRows + 1);
  const end = numRows + 1 + indptr[numRows]!;
  const indices = numbers.subarray(numRows + 1, end);
  return {
    ...{ indptr, indices },
    ...(hasValues && {
      values: new Float32Array(numbers.buffer, numbers.byteOffset + 4 * end, indices.length),
    }),
  };
}

/** Arrays in the arena for the half of an epoch in which one side, users or items, is updated. */
export interface AlsSide {
  /** byte offset of the kernel's Side */
  offset: number;
  numRows: number;
  /** f32[numRows][D] */
  rows: Region;
  /** Gram matrix of the other side's vectors, D x D, in f32 panels of eight columns; the caller writes it */
  gram: Region;
  /** f32[numRows]: L2 penalty of each row; the caller writes it */
  penalties: Region;
  /** f64[numRows]: sum over a row's events of confidence (1 - score)^2, as of the row's last update */
  losses: Region;
}

/** Returns D: dim padded to whole panels. */
export function paddedDim(dim: number): number {
  return Math.ceil(dim / 8) * 8;
}

/** Returns the index of element (r, k) in a matrix of `numRows` rows in panels of eight columns. */
export function panelIndex(numRows: number, r: number, k: number): number {
  return ((k >>> 3) * numRows + r) * 8 + (k & 7);
}

/**
 * Allocates the arrays for one half of an epoch; `rows` and `others` are regions of f32[][D].
 *
 * @param D a multiple of 8
 * @param block dimensions solved together, a multiple of 8
 * @throws {UsageError} it does not fit the arena
 */
export function allocateSide(
  arena: Arena,
  {
    D,
    block,
    rows,
    others,
    events,
  }: { D: number; block: number; rows: Region; others: Region; events: SparseRows },
): AlsSide {
  const numRows = events.indptr.length - 1;
  const own = allocateRows(arena, D, numRows);
  const offset = writeStruct(arena, "a side", Side, {
    dim: D,
    block,
    rows,
    others,
    indptr: arena.put("the events", events.indptr),
    indices: arena.put("the events", events.indices),
    confidences: arena.put("the events", events.values),
    ...own,
  });
  return { offset, numRows, rows, ...own };
}

/** Allocates penalties and losses of rows, and the other side's Gram matrix. @throws {UsageError} it does not fit */
export function allocateRows(
  arena: Arena,
  D: number,
  numRows: number,
): Pick<AlsSide, "gram" | "penalties" | "losses"> {
  return {
    penalties: arena.numbers("the penalties", Math.max(1, numRows)),
    gram: arena.numbers("a Gram matrix", D * D),
    losses: arena.allocate("the losses", Math.max(8, numRows * 8)),
  };
}

/**
 * Allocates the buffers of one thread, large enough for each of the given matrices of events.
 * @returns byte offset of the Scratch struct
 */
export function allocateScratch(
  arena: Arena,
  D: number,
  block: number,
  sides: readonly SparseRows[],
): number {
  const numPredictions = Math.max(1, ...sides.map(eventsOfWidestBatch));
  return writeStruct(arena, "a scratch", Scratch, scratchFields(arena, D, block, numPredictions));
}

/**
 * Allocates the buffers of threads for rows whose events arrive in blocks.
 * @returns byte offset of their structs, one after another
 */
export function allocateBlockScratches(arena: Arena, D: number, block: number, numThreads: number): number {
  const fields = Array.from({ length: numThreads }, () => scratchFields(arena, D, block, 1));
  return writeStructs(arena, "scratches", Scratch, fields);
}

function scratchFields(
  arena: Arena,
  D: number,
  block: number,
  numPredictions: number,
): FieldsOf<typeof Scratch> {
  return {
    packed: arena.numbers("packed rows", ROWS * D),
    predictions: arena.numbers("predictions", numPredictions),
    products: arena.numbers("products", ROWS * block),
    gathered: arena.numbers("gathered events", CHUNK * D),
    weighted: arena.numbers("weighted events", CHUNK * block),
    gradients: arena.numbers("slopes", CHUNK),
    matrix: arena.numbers("a matrix", block * block),
    negated: arena.numbers("a matrix", block * block),
    gradient: arena.numbers("a gradient", block),
    inverses: arena.numbers("pivots", block),
    step: arena.numbers("a step", block),
  };
}

/** Returns the maximum number of events in any eight consecutive rows. */
function eventsOfWidestBatch({ indptr }: SparseRows): number {
  let widest = 0;
  for (let r = 0; r + 1 < indptr.length; r++) {
    widest = Math.max(widest, indptr[Math.min(r + ROWS, indptr.length - 1)]! - indptr[r]!);
  }
  return widest;
}
