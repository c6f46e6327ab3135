// The factorization machine's kernel as the rest of the program sees it: its functions, and its structs laid out in an arena.
//
//   plan ──► slices     u32[J]            where the slices lie (tables.ts): f32[n][S][K] each, v and its state, S of the method
//        ──► linear     f32[n][L]         w and its state, L of the method
//        ──► rates      f32[n][4]         L2 and rate of each feature, where they differ
//        ──► sums       f32[J][B][K]      S of the batch
//        ──► partials   f32[2][J+1][B]    partial scores, alternating
//   thread t ──► blockIds, values, ends, blockLabels: its copy of a block or batch; places, order: its permutation of the block
//
// Structs are written in the order of their fields in assembly/plan.ts.

import { allocateBarrier } from "../shared/barrier.js";
import type { Arena, Region } from "../shared/memory.js";
import { cutTables, putOffsets, type Tables } from "../shared/tables.js";

/** B: rows a batch. */
export const BATCH_ROWS = 256;
/** Rows of one kernel call, and of a block of the shuffle. */
export const BLOCK_ROWS = 4096;

/** Functions of assembly/main.ts; pointers are byte offsets, booleans are 0 or 1. */
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
  method: FmMethod;
  learningRate: number;
  l1Weight: number;
  l2Weight: number;
  l2Vector: number;
  /** features have L2 and rates of their own; `setRates` says which */
  hasRates: boolean;
}

/** How parameters move: the numbers are the kernel's, S and log2(L) what a parameter and its state take. */
export const METHODS = {
  adagrad: { code: 0, states: 2, linearShift: 3 },
  sgd: { code: 1, states: 1, linearShift: 3 },
  ftrl: { code: 2, states: 2, linearShift: 4 },
  adam: { code: 3, states: 4, linearShift: 5 },
} as const;

export type FmMethod = keyof typeof METHODS;

/** Where the kernel's structs lie. */
export interface FmLayout {
  plan: number;
  /** one a thread */
  threads: number[];
  barrier: Region;
  /** of what is drawn and copied: slices of dimensions, or runs of features */
  numSlices: number;
  /** where v and its state lie, by slice of K dimensions; a field-aware machine's by field and quad */
  slices: Tables;
  /** numbers a feature in the vectors that the kernel exports */
  vectorWidth: number;
  /** f32[n][4], where features have their own */
  rates: Region | undefined;
  /** pairs that a thread's copy has room for; `reservePairs` makes more */
  pairs: number;
  /** bytes of the sums that a thread keeps of a marked feature */
  bytesOfRepeat: number;
  /** byte offsets within a thread's struct of its arrays of a number a pair */
  pairArrays: readonly number[];
}

/** K: dimensions a slice; small vectors are cut finer, so that two threads share them. It depends on dim alone. */
export function sliceWidth(dim: number): 4 | 8 {
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
  const bytesOf = (name: string, numbers: number) => arena.allocate(name, numbers * 4).offset;

  const { states } = METHODS[shape.method];
  const bytesOfSlice = states * K * 4;
  const n = shape.numFeatures;

  const barrier = allocateBarrier(arena);
  const vectors = arena.allocate(`the vectors of ${n} features`, J * n * bytesOfSlice);
  const slices = cutTables(vectors, J, bytesOfSlice, numThreads);
  const rates = shape.hasRates ? arena.allocate("the rates of the features", n * 16) : undefined;
  const plan = writeStruct(
    arena,
    "a plan",
    planFields(arena, shape, {
      barrier,
      numThreads,
      numParts: J,
      sliceWidth: K,
      tables: slices,
      sums: bytesOf("sums", J * BATCH_ROWS * K),
      rates,
    }),
  );
  const threads = Array.from({ length: numThreads }, () =>
    writeStruct(arena, "a thread", threadFields(arena, n, BATCH_ROWS * K, J + 1)),
  );
  return {
    plan,
    threads,
    barrier,
    numSlices: J,
    slices,
    vectorWidth: shape.dim,
    rates,
    bytesOfRepeat: K * 4,
    pairs: 0,
    pairArrays: PAIR_ARRAYS,
  };
}

/** How a plan is cut; `sums` is an offset. */
export interface PlanParts {
  barrier: Region;
  numThreads: number;
  /** partial scores a row, without the linear one */
  numParts: number;
  sliceWidth: number;
  tables: Tables;
  sums: number;
  rates: Region | undefined;
}

/** The struct Plan, field by field, with weights and partial scores allocated. */
export function planFields(arena: Arena, shape: FmShape, parts: PlanParts): StructField[] {
  const bytesOf = (name: string, numbers: number) => arena.allocate(name, numbers * 4).offset;
  const { code, linearShift } = METHODS[shape.method];
  const n = shape.numFeatures;
  return [
    ["u32", parts.barrier.offset],
    ["u32", parts.numThreads],
    ["u32", n],
    ["u32", shape.dim],
    ["u32", parts.numParts],
    ["u32", parts.sliceWidth],
    ["u32", putOffsets(arena, parts.tables)],
    ["u32", parts.tables.featureStride],
    ["u32", bytesOf(`the weights of ${n} features`, n << (linearShift - 2))],
    ["u32", linearShift],
    ["u32", parts.sums],
    ["u32", bytesOf("partial scores", 2 * (parts.numParts + 1) * BATCH_ROWS)],
    ["u32", shape.loss === "squared" ? 1 : 0],
    ["f32", shape.learningRate],
    ["f32", shape.l2Weight],
    ["f32", shape.l2Vector],
    ["f32", shape.l1Weight],
    ["u32", code],
    ["u32", parts.rates?.offset ?? 0],
  ];
}

/**
 * The struct Thread, field by field, with its buffers allocated.
 *
 * @param numSums     f32 of S while scoring
 * @param numPartials partial scores a row while scoring
 */
export function threadFields(
  arena: Arena,
  numFeatures: number,
  numSums: number,
  numPartials: number,
): StructField[] {
  const bytesOf = (name: string, numbers: number) => arena.allocate(name, numbers * 4).offset;
  return [
    // loss (f64), bias, its accumulator
    ["u32", 0],
    ["u32", 0],
    ["f32", 0],
    ["f32", 1],
    // batchNumber, numRows, general, width, weights, ids, labels
    ["u32", 0],
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
    ["u32", bytesOf("the weights of a block", BLOCK_ROWS)],
    ["u32", bytesOf("the gradients of a batch", BATCH_ROWS)],
    ["u32", bytesOf("sums", numSums)],
    ["u32", bytesOf("partial scores", numPartials * BATCH_ROWS)],
    ["u32", bytesOf("the places of a block", BLOCK_ROWS)],
    ["u32", bytesOf("the order of a block", BLOCK_ROWS)],
    ["u32", bytesOf(`the slots of ${numFeatures} features`, numFeatures)],
    // numRepeats; repeats and repeatSums come with reservePairs
    ["u32", 0],
    ["u32", 0],
    ["u32", 0],
  ];
}

/** Byte offsets within a thread's struct. */
const LOSS = 0;
const BIAS = 8;
const REPEATS = 92;
const REPEAT_SUMS = 96;
/** blockIds and values */
export const PAIR_ARRAYS: readonly number[] = [44, 48];

/** Makes room for a thread's copy of so many pairs; to be called between two runs of the threads. */
export function reservePairs(arena: Arena, layout: FmLayout, pairs: number): void {
  if (pairs <= layout.pairs) return;
  const put = (at: number, bytes: number) => {
    const { offset } = arena.allocate("the pairs of a block", bytes);
    new DataView(arena.memory.buffer).setUint32(at, offset, true);
  };
  // a batch has at most the marked features of its block, each of which is in more than 32 of 4,096 rows, or in more than 8
  const slots = 1 + Math.ceil(pairs / 2);
  for (const thread of layout.threads) {
    for (const array of layout.pairArrays) put(thread + array, pairs * 4);
    put(thread + REPEATS, slots * 8);
    put(thread + REPEAT_SUMS, slots * layout.bytesOfRepeat);
  }
  layout.pairs = pairs;
}

/** Byte offset of the learning rate within the plan. */
const LEARNING_RATE = 52;

/** Sets the learning rate; to be called between two runs of the threads. */
export function setLearningRate(arena: Arena, layout: FmLayout, learningRate: number): void {
  new DataView(arena.memory.buffer).setFloat32(layout.plan + LEARNING_RATE, learningRate, true);
}

/** L2 and rate of a feature. */
export interface FeatureRates {
  l2Weight: number;
  l2Vector: number;
  /** what its learning rate is multiplied by; with 0 it stays as it is */
  factor: number;
}

/** Sets every feature's own rates; the shape has them. */
export function setRates(
  arena: Arena,
  layout: FmLayout,
  numFeatures: number,
  ratesOf: (feature: number) => FeatureRates,
): void {
  const rates = arena.f32(layout.rates!);
  for (let i = 0; i < numFeatures; i++) {
    const { l2Weight, l2Vector, factor } = ratesOf(i);
    rates.set([l2Weight, l2Vector, factor, 0], 4 * i);
  }
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
