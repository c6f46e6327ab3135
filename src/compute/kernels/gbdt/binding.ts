// Binding of the boosted trees' kernel: its functions, and the layout of a training's arrays in the shared memory.
//
//   bins      u8[n][stride]: bins of all rows, those of the training split first, then those of the validation split
//   columns   bins of the training split again, feature after feature: read to split a leaf
//   order     u32[numTrain]: rows on which the tree is grown, leaf by leaf
//   pairs     f32[numClasses][numTrain][2]: gradients and hessians                scores   f32[numClasses][n]
//   labels, weights   f32[n]; numClasses is 1 except for the softmax
//   histogram numCells cells of 16 bytes; one per leaf, and one per thread for its part of a sum
//
// Pointers are byte offsets.

import type { Arena, Region } from "../shared/memory.js";
import { allocateBarrier } from "../shared/barrier.js";
import { putStruct } from "../shared/struct.js";
import { COUNT_BITS, GATHERED, MARK, Node, Split, SplitOptions as SplitStruct } from "./layout.js";

/**
 * Maximum number of rows of a call, because WebAssembly replaces unoptimized code only between calls. Floating-point
 * sums are also divided into blocks of this size.
 */
export const BLOCK_ROWS = 4096;

export function numBlocks(numRows: number): number {
  return Math.ceil(numRows / BLOCK_ROWS);
}

/** Maximum number of rows, so that the row count of a cell does not overflow. */
export const MAX_ROWS = 2 ** COUNT_BITS - 1;

/** Number of cells of a narrow feature; a feature with more bins is wide. */
export const NARROW_CELLS = 256;

/** Number of edges of a numeric feature, a power of two; unused edges are infinity. */
export const EDGES = 256;

/** Approximate bytes of the rows that are binned at a time; and the minimum number of these rows. */
const STAGED_BYTES = 4 * 2 ** 20;
const LEAST_STAGED = 256;

/** Bytes of a cell, which consists of two i64. */
export const CELL_BYTES = 16;

/**
 * Maximum number of bits of the integers that a tree's histograms add up: 50 for gradients, so that f64 represents
 * every sum exactly, 37 for hessians.
 */
export const GRADIENT_BITS = 50;
export const HESSIAN_BITS = 62 - COUNT_BITS;

export { GATHERED, MARK, MISSING_BIN, Node, SORT_COUNTS_BYTES, Split } from "./layout.js";
export type { Kernel as GbdtKernel } from "./layout.js";

export type GbdtSplitOptions = Omit<Record<keyof typeof SplitStruct.fields, number>, "unitG" | "unitH">;

/** @param at byte offset of a SplitOptions struct */
export function putSplitOptions(
  holder: Parameters<typeof putStruct>[0],
  at: number,
  options: GbdtSplitOptions,
  { scaleG, scaleH }: { scaleG: number; scaleH: number },
): void {
  putStruct(holder, SplitStruct, at, { ...options, unitG: 1 / scaleG, unitH: 1 / scaleH });
}

/** Location of a feature's bins in a row, and of its cells in a histogram. */
export interface FeaturePlace {
  categorical: boolean;
  wide: boolean;
  /** byte offset of the feature's bin within a row */
  byte: number;
  /** index of the feature's first cell in a histogram */
  cell: number;
  /** used cells: bins of values and one of missing values; of a categorical feature, bin 0 and bins of categories */
  numCells: number;
}

/** Layout of binned rows. */
export interface RowLayout {
  /** bytes per row of bins, a multiple of 16 */
  stride: number;
  /** narrow features, whose bins have one byte, padded to a multiple of 4 */
  numNarrow: number;
  numWide: number;
  numCells: number;
  places: FeaturePlace[];
}

/**
 * Computes the layout of a row of bins: narrow features first, then wide ones, which have more than 256 cells.
 *
 * @param features number of cells of each, and whether it is categorical
 */
export function rowLayout(features: readonly { numCells: number; categorical: boolean }[]): RowLayout {
  const numNarrow = Math.ceil(features.filter(({ numCells }) => numCells <= NARROW_CELLS).length / 4) * 4;
  let [narrow, wide, cell] = [0, 0, numNarrow * NARROW_CELLS];
  const places = features.map(({ numCells, categorical }): FeaturePlace => {
    if (numCells <= NARROW_CELLS) {
      const place = { categorical, wide: false, byte: narrow, cell: narrow * NARROW_CELLS, numCells };
      narrow++;
      return place;
    }
    const place = { categorical, wide: true, byte: numNarrow + 2 * wide++, cell, numCells };
    cell += numCells;
    return place;
  });
  const stride = Math.ceil((numNarrow + 2 * wide) / 16) * 16;
  return { stride, numNarrow, numWide: wide, numCells: cell, places };
}

/** Byte offsets of a training's arrays in the shared memory. */
export interface GbdtLayout extends RowLayout {
  numThreads: number;
  numTrain: number;
  /** with validation rows */
  numRows: number;
  numLeaves: number;
  barrier: Region;
  bins: number;
  /** by feature: u8[numTrain], or u16[numTrain] of a wide feature */
  columns: number[];
  /** f64[features][EDGES] */
  edges: number;
  /** two buffers of values that wait to be binned: `stagedRows` f64, or bins of a categorical feature, by feature */
  staged: number;
  stagedRows: number;
  /** u32[numWide]: index of each wide feature's first cell */
  wideCells: number;
  order: number;
  /** u32[numTrain] each: rows of the left and the right side while a leaf is partitioned */
  left: number;
  right: number;
  /** scores per row: one per class, or one */
  numClasses: number;
  pairs: number;
  /** bytes from one class to the next */
  pairsApart: number;
  scores: number;
  scoresApart: number;
  labels: number;
  /** 0 if every row has weight 1 */
  weights: number;
  /** histograms of threads for partial sums, and of leaves */
  partials: number;
  histograms: number;
  /** Split[2][features]: results of the searches for two leaves */
  splits: number;
  /** u8[2][numCells]: for two leaves, 1 for each bin that goes to the left side */
  lefts: number;
  /** of each thread: a buffer for gathered rows or for sorting categories, and at `scratchTable`, which bins go left */
  scratch: number;
  scratchBytes: number;
  scratchTable: number;
  /** Node[numLeaves - 1] of the growing tree */
  nodes: number;
  /** u8[numLeaves - 1][tableBytes]: whether each bin goes left */
  tables: number;
  tableBytes: number;
  /** f64[numLeaves] */
  values: number;
  /** f64[numClasses][blocks][2]: sums of |g| and of h over each block of training rows */
  gradientSums: number;
  gradientSumsApart: number;
  /** f64 per block of training rows, then of validation rows */
  losses: number;
  /** u32 every MARK bytes, two per thread: counters of trainers/gbdt/boosting/thread-share.ts */
  taken: number;
  /** u32 every MARK bytes, one per thread: 1 if the thread's histogram contains rows */
  marks: number;
  /** u32 for each piece of a leaf's rows: rows that go left */
  counts: number;
  /** SplitOptions */
  options: number;
  /** u32[numTrain]: the sampled rows (bagging); 0 if every tree uses all rows */
  bag: number;
}

/**
 * Returns the byte offset of a feature's values in one of the two buffers of values that wait to be binned.
 * @param slot buffer, 0 or 1
 */
export function stagedAt({ staged, stagedRows, places }: GbdtLayout, slot: number, f: number): number {
  return staged + 8 * stagedRows * (slot * places.length + f);
}

export interface GbdtShape {
  rows: RowLayout;
  numTrain: number;
  numValid: number;
  numLeaves: number;
  numThreads: number;
  numClasses: number;
  weighted: boolean;
  bagged: boolean;
}

/** Allocates the arrays of a training. @throws {UsageError} they do not fit in one memory */
export function allocateGbdt(arena: Arena, shape: GbdtShape): GbdtLayout {
  const { rows, numTrain, numValid, numLeaves, numThreads, numClasses, weighted, bagged } = shape;
  const numRows = numTrain + numValid;
  const [trainBlocks, validBlocks] = [numBlocks(numTrain), numBlocks(numValid)];
  // kernels read four rows at a time, so arrays are padded
  const padded = Math.ceil(numTrain / 4) * 4 + Math.ceil(numValid / 4) * 4 + 4;
  const most = Math.max(NARROW_CELLS, ...rows.places.map(({ numCells }) => numCells));
  const place = (name: string, bytes: number) => arena.allocate(name, bytes).offset;
  const fitting = Math.floor(STAGED_BYTES / (8 * rows.places.length));
  const stagedRows = Math.min(Math.max(LEAST_STAGED, fitting), numRows);
  const scratchTable = Math.max(24 * most, GATHERED * (CELL_BYTES + rows.stride));
  const scratchBytes = Math.ceil((scratchTable + most) / MARK) * MARK;
  const histogramBytes = rows.numCells * CELL_BYTES;
  const layout: GbdtLayout = {
    ...rows,
    numThreads,
    numTrain,
    numRows,
    numLeaves,
    barrier: allocateBarrier(arena),
    bins: place("the bins of the rows", numRows * rows.stride + 64),
    columns: rows.places.map(({ wide }) => place("the bins of the columns", numTrain * (wide ? 2 : 1))),
    edges: place("the edges of bins", 8 * EDGES * rows.places.length),
    staged: place("columns to be binned", 2 * 8 * stagedRows * rows.places.length),
    stagedRows,
    wideCells: place("the places of wide features", 4 * rows.numWide),
    order: place("the order of the rows", 4 * numTrain),
    left: place("the left sides of splits", 4 * numTrain + 4),
    right: place("the right sides of splits", 4 * numTrain + 4),
    numClasses,
    pairs: place("the gradients", 8 * padded * numClasses),
    pairsApart: 8 * padded,
    scores: place("the scores", 4 * padded * numClasses),
    scoresApart: 4 * padded,
    labels: place("the labels", 4 * padded),
    weights: weighted ? place("the weights", 4 * padded) : 0,
    partials: place("the threads' histograms", numThreads * histogramBytes),
    histograms: place("the leaves' histograms", numLeaves * histogramBytes),
    splits: place("the splits", 2 * Split.size * rows.places.length),
    lefts: place("the categories", 2 * rows.numCells),
    scratch: place("room of the threads", numThreads * scratchBytes),
    scratchBytes,
    scratchTable,
    nodes: place("the nodes", Node.size * numLeaves),
    tables: place("the nodes' tables", most * numLeaves),
    tableBytes: most,
    values: place("the leaves' values", 8 * numLeaves),
    gradientSums: place("sums of gradients", 16 * trainBlocks * numClasses),
    gradientSumsApart: 16 * trainBlocks,
    losses: place("losses of blocks", 8 * (trainBlocks + validBlocks)),
    taken: place("counters", 2 * MARK * numThreads),
    marks: place("marks of the threads", MARK * numThreads),
    counts: place("counts of rows", 4 * (4 * numThreads + trainBlocks + 1)),
    options: place("the options", SplitStruct.size),
    bag: bagged ? place("the sample of the rows", 4 * numTrain) : 0,
  };
  const words = new Uint32Array(arena.memory.buffer, layout.wideCells, rows.numWide);
  rows.places.filter(({ wide }) => wide).forEach(({ cell }, f) => (words[f] = cell));
  return layout;
}
