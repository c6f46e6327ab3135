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

/** Most rows of a call, because WebAssembly replaces unoptimized code only between calls. Sums are made by blocks of as many rows. */
export const BLOCK_ROWS = 4096;

/** Returns the number of blocks. */
export function numBlocks(numRows: number): number {
  return Math.ceil(numRows / BLOCK_ROWS);
}

/** Most rows that a cell can count. */
export const MAX_ROWS = 2 ** COUNT_BITS - 1;

/** Cells of a narrow feature, which is also its greatest number of bins. */
export const NARROW_CELLS = 256;

/** Number of edges of a numeric feature, padded with infinity: a power of two. */
export const EDGES = 256;

/** Approximate bytes of columns that are binned at a time, and least number of rows. */
const STAGED_BYTES = 4 * 2 ** 20;
const LEAST_STAGED = 256;

/** Cells are i64 pairs. */
export const CELL_BYTES = 16;

/** Bits of a tree's sums: gradients are at most 2^50, so that f64 holds every sum exactly, hessians at most 2^37. */
export const GRADIENT_BITS = 50;
export const HESSIAN_BITS = 62 - COUNT_BITS;

export { GATHERED, MARK, MISSING_BIN, Node, SORT_COUNTS_BYTES, Split } from "./layout.js";
export type { Kernel as GbdtKernel } from "./layout.js";

/** Options of both searches for a split. */
export interface SplitOptions {
  lambdaL1: number;
  lambdaL2: number;
  minDataInLeaf: number;
  minSumHessianInLeaf: number;
  minGainToSplit: number;
  catSmooth: number;
  catL2: number;
  maxCatThreshold: number;
  maxCatToOnehot: number;
  minDataPerGroup: number;
}

/** Writes the options for the kernel. @param at offset of the struct */
export function putSplitOptions(
  holder: Parameters<typeof putStruct>[0],
  at: number,
  options: SplitOptions,
  { scaleG, scaleH }: { scaleG: number; scaleH: number },
): void {
  putStruct(holder, SplitStruct, at, { ...options, unitG: 1 / scaleG, unitH: 1 / scaleH });
}

/** Position of a feature's bins and cells. */
export interface FeaturePlace {
  categorical: boolean;
  wide: boolean;
  /** byte within a row */
  byte: number;
  /** first cell of a histogram */
  cell: number;
  /** number of used cells: bins of values and one for missing ones; for a categorical feature, bin 0 and its categories */
  numCells: number;
}

/** Layout of binned rows. */
export interface RowLayout {
  /** bytes per row, a multiple of 16 */
  stride: number;
  /** number of narrow features, padded to a multiple of 4 */
  numNarrow: number;
  numWide: number;
  numCells: number;
  places: FeaturePlace[];
}

/**
 * Lays out the features: narrow ones first, then those with more than 256 cells.
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

/** A training in the shared memory. */
export interface GbdtLayout extends RowLayout {
  numThreads: number;
  numTrain: number;
  /** training rows and validation rows */
  numRows: number;
  numLeaves: number;
  barrier: Region;
  bins: number;
  /** by feature: u8[numTrain], or u16[numTrain] of a wide one */
  columns: number[];
  /** f64[features][EDGES] */
  edges: number;
  /** two pieces of the columns: for each feature, space for `stagedRows` f64, or for the bins of a categorical one */
  staged: number;
  stagedRows: number;
  /** u32[numWide]: first cell of each wide feature */
  wideCells: number;
  order: number;
  /** u32[numTrain] each: the two sides of the partition in progress */
  left: number;
  right: number;
  /** number of scores per row */
  numClasses: number;
  pairs: number;
  /** bytes from the pairs of a class to those of the next */
  pairsApart: number;
  scores: number;
  scoresApart: number;
  labels: number;
  /** 0 if every row has weight 1 */
  weights: number;
  /** histograms: one per thread, then one per leaf */
  partials: number;
  histograms: number;
  /** results of the searches: one Split per feature, for two leaves */
  splits: number;
  /** u8[2][numCells]: bins that go left, for two leaves */
  lefts: number;
  /** per thread: space for gathered rows or for sorting categories, then for its table of bins */
  scratch: number;
  scratchBytes: number;
  /** offset of the table of bins within a thread's space */
  scratchTable: number;
  /** Node[numLeaves - 1] */
  nodes: number;
  /** u8[numLeaves - 1][tableBytes] */
  tables: number;
  tableBytes: number;
  /** f64[numLeaves] */
  values: number;
  /** f64[numClasses][blocks][2]: sums of |g| and h over the training split */
  gradientSums: number;
  gradientSumsApart: number;
  /** f64 per block of the training split, then of the validation split: sums of losses */
  losses: number;
  /** u32: counters of the works that threads share (trainers/gbdt/boosting/thread-share.ts) */
  taken: number;
  /** u32 every MARK bytes, one per thread: whether its histogram holds rows */
  marks: number;
  /** u32 per piece of a leaf's rows: number of rows that go left */
  counts: number;
  /** SplitOptions */
  options: number;
  /** u32[numTrain]: a sample of the rows; 0 if all are used */
  bag: number;
}

/** Returns the offset of a feature's values that wait to be binned. @param slot 0 or 1 */
export function stagedAt({ staged, stagedRows, places }: GbdtLayout, slot: number, f: number): number {
  return staged + 8 * stagedRows * (slot * places.length + f);
}

/** Sizes of a training. */
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

/** Allocates a training. @throws {UsageError} it does not fit in one memory */
export function allocateGbdt(arena: Arena, shape: GbdtShape): GbdtLayout {
  const { rows, numTrain, numValid, numLeaves, numThreads, numClasses, weighted, bagged } = shape;
  const numRows = numTrain + numValid;
  const [trainBlocks, validBlocks] = [numBlocks(numTrain), numBlocks(numValid)];
  // kernels read rows by fours
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
    taken: place("counters", MARK),
    marks: place("marks of the threads", MARK * numThreads),
    counts: place("counts of rows", 4 * (4 * numThreads + trainBlocks + 1)),
    options: place("the options", SplitStruct.size),
    bag: bagged ? place("the sample of the rows", 4 * numTrain) : 0,
  };
  const words = new Uint32Array(arena.memory.buffer, layout.wideCells, rows.numWide);
  rows.places.filter(({ wide }) => wide).forEach(({ cell }, f) => (words[f] = cell));
  return layout;
}
