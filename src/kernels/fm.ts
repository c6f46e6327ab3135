// The factorization machine's kernel as the rest of the program sees it: its functions, and its structs laid out in an arena.
//
//   plan ──► slices     f32[J][n][2][K]   v and its accumulators; f32[n][J][2][K] beyond two slices
//        ──► linear     f32[n][2]         w and its accumulators
//        ──► sums       f32[J][B][K]      S of the batch
//        ──► partials   f32[2][J+1][B]    partial scores, alternating
//   thread t ──► blockIds, values, ends, blockLabels: its copy of a block or batch; places, order: its permutation of the block
//
// Structs are written in the order of their fields in assembly/fm/plan.ts.

import { allocateBarrier } from "./barrier.js";
import type { Arena, Region } from "./memory.js";

/** B: rows a batch. */
export const BATCH_ROWS = 256;
/** Rows of one kernel call, and of a block of the shuffle. */
export const BLOCK_ROWS = 4096;

/** Functions of assembly/fm.ts; pointers are byte offsets, booleans are 0 or 1. */
export interface FmKernel {
  trainBlock(
    plan: number,
    thread: number,
    index: number,
    rows: number,
    first: number,
    numRows: number,
    key: number,
  ): number;
  scoreBlock(
    plan: number,
    thread: number,
    rows: number,
    first: number,
    numRows: number,
    scores: number,
  ): number;
  initialise(plan: number, j: number, hashes: number, counts: number, seed: number, spread: number): void;
  exportSlice(plan: number, j: number, vectors: number, w: number): number;
  importSlice(plan: number, j: number, vectors: number, w: number): void;
}

/** How a machine is cut and how it learns. */
export interface FmShape {
  numFeatures: number;
  dim: number;
  /** at most; slices are dealt to no more threads than there are of them */
  threads: number;
  loss: "logistic" | "squared";
  learningRate: number;
  l2Weight: number;
  l2Vector: number;
}

/** Where the kernel's structs lie. */
export interface FmLayout {
  plan: number;
  /** one a thread */
  threads: number[];
  barrier: Region;
  numSlices: number;
  /** numbers a feature in the vectors that the kernel exports */
  vectorWidth: number;
  /** pairs that a thread's copy has room for; `reservePairs` makes more */
  pairs: number;
  /** byte offsets within a thread's struct of its arrays of a number a pair */
  pairArrays: readonly number[];
}

/** K: dimensions a slice; small vectors are cut finer, so that two threads share them. It depends on dim alone. */
function sliceWidth(dim: number): 4 | 8 {
  return dim <= 8 ? 4 : 8;
}

/**
 * Lays out parameters, buffers and structs of a machine; parameters are zero until `initialise` or `importSlice`.
 *
 * @throws {UsageError} it does not fit the arena
 */
export function allocateFm(arena: Arena, shape: FmShape): FmLayout {
  const K = sliceWidth(shape.dim);
  const J = Math.ceil(shape.dim / K);
  const numThreads = Math.max(1, Math.min(shape.threads, J));
  // beyond two slices a feature's slices lie together, so that a batch touches fewer pages; four-wide ones lie apart, since
  // two of them in one cache line would travel between their threads
  const byFeature = J > 2;
  const bytesOf = (name: string, numbers: number) => arena.allocate(name, numbers * 4).offset;

  const barrier = allocateBarrier(arena);
  const plan = writeStruct(arena, "a plan", [
    ["u32", barrier.offset],
    ["u32", numThreads],
    ["u32", shape.numFeatures],
    ["u32", shape.dim],
    ["u32", J],
    ["u32", K],
    ["u32", bytesOf(`the vectors of ${shape.numFeatures} features`, J * shape.numFeatures * 2 * K)],
    ["u32", byFeature ? 2 * K * 4 : shape.numFeatures * 2 * K * 4],
    ["u32", byFeature ? J * 2 * K * 4 : 2 * K * 4],
    ["u32", bytesOf(`the weights of ${shape.numFeatures} features`, shape.numFeatures * 2)],
    ["u32", bytesOf("sums", J * BATCH_ROWS * K)],
    ["u32", bytesOf("partial scores", 2 * (J + 1) * BATCH_ROWS)],
    ["u32", shape.loss === "squared" ? 1 : 0],
    ["f32", shape.learningRate],
    ["f32", shape.l2Weight],
    ["f32", shape.l2Vector],
  ]);
  const threads = Array.from({ length: numThreads }, () =>
    writeStruct(arena, "a thread", threadFields(arena, BATCH_ROWS * K, J + 1)),
  );
  return { plan, threads, barrier, numSlices: J, vectorWidth: shape.dim, pairs: 0, pairArrays: PAIR_ARRAYS };
}

/**
 * A thread's struct, field by field, with its buffers allocated.
 *
 * @param numSums     f32 of S while scoring
 * @param numPartials partial scores a row while scoring
 */
export function threadFields(arena: Arena, numSums: number, numPartials: number): StructField[] {
  const bytesOf = (name: string, numbers: number) => arena.allocate(name, numbers * 4).offset;
  return [
    // loss (f64), bias, its accumulator
    ["u32", 0],
    ["u32", 0],
    ["f32", 0],
    ["f32", 1],
    // batchNumber, numRows, general, width, ids, labels
    ["u32", 0],
    ["u32", 0],
    ["u32", 0],
    ["u32", 0],
    ["u32", 0],
    ["u32", 0],
    // blockIds and values come with reservePairs
    ["u32", 0],
    ["u32", 0],
    ["u32", bytesOf("the row ends of a batch", BATCH_ROWS)],
    ["u32", bytesOf("the labels of a block", BLOCK_ROWS)],
    ["u32", bytesOf("the gradients of a batch", BATCH_ROWS)],
    ["u32", bytesOf("sums", numSums)],
    ["u32", bytesOf("partial scores", numPartials * BATCH_ROWS)],
    ["u32", bytesOf("the places of a block", BLOCK_ROWS)],
    ["u32", bytesOf("the order of a block", BLOCK_ROWS)],
  ];
}

/** Byte offsets within a thread's struct. */
const LOSS = 0;
const BIAS = 8;
/** blockIds and values */
export const PAIR_ARRAYS: readonly number[] = [40, 44];

/** Makes room for a thread's copy of so many pairs; to be called between two runs of the threads. */
export function reservePairs(arena: Arena, layout: FmLayout, pairs: number): void {
  if (pairs <= layout.pairs) return;
  for (const thread of layout.threads) {
    for (const array of layout.pairArrays) {
      const { offset } = arena.allocate("the pairs of a block", pairs * 4);
      new DataView(arena.memory.buffer).setUint32(thread + array, offset, true);
    }
  }
  layout.pairs = pairs;
}

/** w0, of which every thread has the same copy. */
export function readBias(arena: Arena, layout: FmLayout): number {
  return new DataView(arena.memory.buffer).getFloat32(layout.threads[0]! + BIAS, true);
}

/** Sets w0 on every thread. */
export function writeBias(arena: Arena, layout: FmLayout, bias: number): void {
  const view = new DataView(arena.memory.buffer);
  for (const thread of layout.threads) view.setFloat32(thread + BIAS, bias, true);
}

/** The sum of the training losses since the last call; the last thread adds it up. */
export function takeLoss(arena: Arena, layout: FmLayout): number {
  const view = new DataView(arena.memory.buffer);
  const offset = layout.threads.at(-1)! + LOSS;
  const loss = view.getFloat64(offset, true);
  view.setFloat64(offset, 0, true);
  return loss;
}

/** A four-byte field of a struct. */
export type StructField = readonly ["u32" | "f32", number];

/** Writes four-byte fields one after another into a new region and returns its offset. */
export function writeStruct(arena: Arena, name: string, fields: readonly StructField[]): number {
  const { offset } = arena.allocate(name, fields.length * 4);
  const view = new DataView(arena.memory.buffer);
  fields.forEach(([type, value], i) => {
    if (type === "u32") view.setUint32(offset + 4 * i, value, true);
    else view.setFloat32(offset + 4 * i, value, true);
  });
  return offset;
}
