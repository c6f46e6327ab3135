// The structs of the factorization machine's kernel in an arena.
//
//   plan ──► slices     u32[J]    where the slices lie (cutTables): f32[n][S][K] each, v and its state, S of the method
//        ──► linear     f32[n][L]         w and its state, L of the method
//        ──► rates      f32[n][4]         L2 and rate of each feature, where they differ
//        ──► sums       f32[J][B][K]      S of the batch
//        ──► partials   f32[2][J+1][B]    partial scores, alternating
//   thread t ──► blockIds, values, ends, blockLabels: its copy of a block or batch
//            ──► places, order: its permutation of the block

import { allocateBarrier } from "../shared/barrier.js";
import type { Arena, Region } from "../shared/memory.js";
import {
  allocateStruct,
  type FieldsOf,
  getField,
  putStruct,
  setField,
  type Struct,
  takeField,
  writeStruct,
} from "../shared/struct.js";
import { threadsInUse } from "../shared/threads-in-use.js";
import { ADAGRAD, ADAM, BATCH_ROWS, BLOCK_ROWS, FTRL, Plan, Repeat, Rows, SGD, Thread } from "./layout.js";

export { BATCH_ROWS, BLOCK_ROWS };
export type { Kernel as FmKernel } from "./layout.js";

/** Dimensions, loss and learning options of a factorization machine. */
export interface FmShape {
  numFeatures: number;
  dim: number;
  /** at most; no more than one per slice and one for the weights are used */
  threads: number;
  loss: "logistic" | "squared";
  method: FmMethod;
  learningRate: number;
  /** learning rate of vectors; absent: that of weights */
  vectorRate?: number;
  l1Weight: number;
  l2Weight: number;
  l2Vector: number;
  /** whether features have individual L2 and learning rates, set by `setRates` */
  hasRates: boolean;
}

/** By method: code in the kernel, floats of a vector's element with its state, bytes of a weight with its state. */
export const METHODS = {
  adagrad: { code: ADAGRAD, states: 2, linearBytes: 8 },
  sgd: { code: SGD, states: 1, linearBytes: 8 },
  ftrl: { code: FTRL, states: 2, linearBytes: 16 },
  adam: { code: ADAM, states: 4, linearBytes: 32 },
} as const;

export type FmMethod = keyof typeof METHODS;

/** Location of a number that every feature of a group has. */
export interface StridedOffset {
  /** of the number for feature 0; may lie outside the memory if the group starts at another feature */
  offset: number;
  /** bytes from one feature to the next */
  stride: number;
  /** owner of the memory; the machine's own arena when absent */
  arena?: Arena;
}

/** Numbers of (feature, value) pairs for which a thread's buffers have room. */
export interface PairCounts {
  /** pairs that a thread copies: of a block if all rows have the same width and no values, else of a batch */
  copied: number;
  batch: number;
}

/** Addresses of the kernel's structs, and the layout of the parameters. */
export interface FmLayout {
  plan: number;
  /** byte offset of each thread's struct */
  threads: number[];
  barrier: Region;
  /** sets the number of training threads */
  use: (threads: number) => void;
  /** number of slices of dimensions, or of features, in which parameters are initialized, exported and imported */
  numSlices: number;
  /**
   * location of the vectors and their optimizer state, for each group of features and each slice of dimensions; in a
   * field-aware machine for each block of fields, partner field and quad of dimensions
   */
  slices: readonly (readonly StridedOffset[])[];
  /** location of AdaGrad's accumulators; undefined if slices have none; several slices may share one */
  accumulators: readonly (readonly StridedOffset[])[] | undefined;
  /** first feature of each group of features, ascending; a group may be empty */
  groups: readonly number[];
  /** dimensions of each slice, not counting padding */
  used: readonly number[];
  /** floats per feature in exported vectors */
  vectorWidth: number;
  /** f32[n][4]; undefined if all features have the same L2 and learning rates */
  rates: Region | undefined;
  /** `reservePairs` increases it */
  pairs: PairCounts;
  thread: Struct;
  /** elements per pair of those arrays of a thread whose length depends on the number of pairs */
  pairArrays: Readonly<Record<string, number>>;
  /** bytes in which a thread adds up the gradients of a feature marked as repeated */
  bytesOfRepeat: number;
}

/**
 * Returns K, the number of dimensions per slice. Short vectors have narrower slices, so that two threads can share a
 * vector. K depends on dim alone.
 */
export function sliceWidth(dim: number): 4 | 8 {
  return dim <= 8 ? 4 : 8;
}

export function mostThreads({ dim, threads }: { dim: number; threads: number }): number {
  return Math.max(1, Math.min(threads, Math.ceil(dim / sliceWidth(dim)) + 1));
}

/** Returns the floats per feature in a slice: v including state, and accumulators, which are stored separately. */
export function sliceOf(method: FmMethod, K: number): { numbers: number; accumulators: number } {
  return method === "adagrad" || method === "ftrl"
    ? { numbers: K, accumulators: 1 }
    : { numbers: K * METHODS[method].states, accumulators: 0 };
}

/**
 * Allocates parameters, buffers and structs of a model; parameters are zero until `initialize` or `importSlice`.
 *
 * @throws {UsageError} it does not fit the arena
 */
export function allocateFm(arena: Arena, shape: FmShape): FmLayout {
  const K = sliceWidth(shape.dim);
  const J = Math.ceil(shape.dim / K);
  const numThreads = mostThreads(shape);

  const { numbers, accumulators } = sliceOf(shape.method, K);
  const n = shape.numFeatures;

  const barrier = allocateBarrier(arena);
  const vectors = arena.allocate(`the vectors of ${n} features`, J * n * numbers * 4);
  const slices = cutTables(vectors, J, numbers * 4, numThreads);
  const ofFirst = accumulators * Math.floor(J / numThreads);
  const linear = allocateWeights(arena, shape, ofFirst);
  const squares = accumulators > 0 ? accumulatorPlaces(arena, shape, J, numThreads, linear) : undefined;
  const rates = shape.hasRates ? arena.allocate("the rates of the features", n * 16) : undefined;
  const fields = planFields(arena, shape, {
    ...{ barrier, numThreads, linear, rates },
    numParts: J,
    sliceWidth: K,
    slices: arena.put("where the vectors lie", Uint32Array.from(slices.offsets)),
    featureStride: slices.featureStride,
    accumulators: squares ? putPlaces(arena, squares) : 0,
    sums: arena.numbers("sums", J * BATCH_ROWS * K),
  });
  const plan = writeStruct(arena, "a plan", Plan, fields);
  const threads = Array.from({ length: numThreads }, () =>
    writeStruct(arena, "a thread", Thread, threadFields(arena, n, BATCH_ROWS * K, J + 1)),
  );
  return {
    plan,
    threads,
    barrier,
    use: threadsInUse(arena, Plan, plan, { thread: Thread, threads, ...KEPT_FIELDS }),
    numSlices: J,
    slices: [slices.offsets.map((offset) => ({ offset, stride: slices.featureStride }))],
    accumulators: squares && [squares],
    groups: [0],
    used: slices.offsets.map((_, j) => Math.min(K, shape.dim - j * K)),
    vectorWidth: shape.dim,
    rates,
    // room for the sums of two slices, because AdaGrad may update two slices at once
    bytesOfRepeat: 2 * K * 4,
    pairs: { copied: 0, batch: 0 },
    thread: Thread,
    pairArrays: { values: 1 },
  };
}

/** Fields of a thread that are kept when the number of threads changes. */
export const KEPT_FIELDS = {
  ofLast: ["loss"],
  alike: ["bias", "biasAccumulator", "batchNumber"],
} as const;

/**
 * Divides a region into a table per thread, so that the slices that a thread updates are adjacent:
 *
 *   one thread     ┌ feature 0: slice 0, slice 1 ┬ feature 1: slice 0, slice 1 ┬ ...     one page a feature
 *   two threads    ┌ feature 0: slice 0 ┬ feature 1: slice 0 ┬ ...
 *                  ┌ feature 0: slice 1 ┬ feature 1: slice 1 ┬ ...
 *
 * On a cache miss, a processor also prefetches neighboring lines. If the slices of a feature were adjacent, two threads
 * would invalidate each other's cache lines: at dim 32, two threads on one table had half the speed of two threads on
 * two tables. The division affects the addresses of numbers, but not their values.
 *
 * @param region     of n * numSlices * bytesOfSlice bytes
 * @param numThreads if it does not divide numSlices, each slice has a table
 * @returns byte offset of each slice of feature 0's vector
 */
export function cutTables(
  { offset, bytes }: Region,
  numSlices: number,
  bytesOfSlice: number,
  numThreads: number,
): { offsets: number[]; featureStride: number } {
  const together = numSlices % numThreads === 0 ? numSlices / numThreads : 1;
  const bytesOfTable = (bytes / numSlices) * together;
  const offsets = Array.from(
    { length: numSlices },
    (_, j) => offset + Math.floor(j / together) * bytesOfTable + (j % together) * bytesOfSlice,
  );
  return { offsets, featureStride: together * bytesOfSlice };
}

/** Fields of the Plan struct that differ between fm and ffm; `slices` and `accumulators` are offsets of tables. */
interface PlanParts {
  barrier: Region | undefined;
  numThreads: number;
  /** partial scores per row, not counting that of the weights */
  numParts: number;
  sliceWidth: number;
  slices: number;
  featureStride: number;
  linear: StridedOffset;
  accumulators: number;
  sums: Region | undefined;
  rates: Region | undefined;
}

/** Allocates each feature's weight with its optimizer state, followed by `beside` further floats. */
export function allocateWeights(
  arena: Arena,
  { numFeatures, method }: FmShape,
  beside: number,
): StridedOffset {
  const stride = METHODS[method].linearBytes + 4 * beside;
  return {
    offset: arena.allocate(`the weights of ${numFeatures} features`, numFeatures * stride).offset,
    stride,
  };
}

/**
 * Returns the location of each slice's accumulators: next to the weights for the first thread's slices, because this
 * thread reads the weights anyway, and in a separate table for every other thread.
 */
function accumulatorPlaces(
  arena: Arena,
  { numFeatures, method }: FmShape,
  J: number,
  numThreads: number,
  linear: StridedOffset,
): StridedOffset[] {
  return Array.from({ length: numThreads }, (_, t) => {
    const run = Math.floor(((t + 1) * J) / numThreads) - Math.floor((t * J) / numThreads);
    const { offset, stride } =
      t === 0
        ? { offset: linear.offset + METHODS[method].linearBytes, stride: linear.stride }
        : {
            offset: arena.allocate(`the accumulators of ${numFeatures} features`, numFeatures * run * 4)
              .offset,
            stride: run * 4,
          };
    return Array.from({ length: run }, (_, i) => ({ offset: offset + 4 * i, stride }));
  }).flat();
}

/** Writes locations of parameters to the arena: u32[][2] of offset and stride. @returns byte offset of the array */
export function putPlaces(arena: Arena, places: readonly StridedOffset[]): number {
  const numbers = Uint32Array.from(places.flatMap(({ offset, stride }) => [offset, stride]));
  return arena.put("where numbers lie", numbers);
}

export function planFields(
  arena: Arena,
  { numFeatures, dim, loss, method, vectorRate, ...how }: FmShape,
  { numParts, linear, ...parts }: PlanParts,
): FieldsOf<typeof Plan> {
  const { code, linearBytes } = METHODS[method];
  const { learningRate, l2Weight, l2Vector, l1Weight } = how;
  return {
    ...parts,
    ...{ numFeatures, dim, linear, linearBytes, learningRate, l2Weight, l2Vector, l1Weight },
    numSlices: numParts,
    firstDimension: 0,
    linearStride: linear.stride,
    partials: arena.numbers("partial scores", 2 * (numParts + 1) * BATCH_ROWS),
    squared: loss === "squared",
    vectorRate: vectorRate ?? learningRate,
    method: code,
  };
}

/**
 * Returns the values of a Thread's fields, and allocates its buffers.
 *
 * @param numSums     f32 for the sums of v x of a batch that is scored outside training
 * @param numPartials partial scores per row of such a batch
 */
export function threadFields(
  arena: Arena,
  numFeatures: number,
  numSums: number,
  numPartials: number,
): FieldsOf<typeof Thread> {
  return {
    loss: 0,
    bias: 0,
    biasAccumulator: 1,
    // the kernel sets these fields itself, for its current batch
    batchNumber: 0,
    numRows: 0,
    general: 0,
    width: 0,
    touched: 0,
    weights: 0,
    ids: 0,
    labels: 0,
    // `reservePairs` allocates the arrays blockIds, values, repeats and repeatSums later
    blockIds: 0,
    values: 0,
    ends: arena.numbers("the row ends of a batch", BATCH_ROWS),
    blockLabels: arena.numbers("the labels of a block", BLOCK_ROWS),
    blockWeights: arena.numbers("the weights of a block", BLOCK_ROWS),
    gradients: arena.numbers("the gradients of a batch", BATCH_ROWS),
    scoreSums: arena.numbers("sums", numSums),
    scorePartials: arena.numbers("partial scores", numPartials * BATCH_ROWS),
    places: arena.numbers("the places of a block", BLOCK_ROWS),
    order: arena.numbers("the order of a block", BLOCK_ROWS),
    slots: arena.numbers(`the slots of ${numFeatures} features`, numFeatures),
    numRepeats: 0,
    repeats: 0,
    repeatSums: 0,
  };
}

type PairBuffers = Pick<FmLayout, "threads" | "thread" | "pairs" | "pairArrays" | "bytesOfRepeat">;

/** Enlarges each thread's buffers to the given numbers of pairs; must not be called while the threads run. */
export function reservePairs(arena: Arena, layout: PairBuffers, { copied, batch }: PairCounts): void {
  if (copied <= layout.pairs.copied && batch <= layout.pairs.batch) return;
  const room = (bytes: number) => arena.allocate("the pairs of a block", bytes).offset;
  const pairs = { copied: Math.max(copied, layout.pairs.copied), batch: Math.max(batch, layout.pairs.batch) };
  // a batch has at most the marked features of its block, each of which is in more than 8 rows
  const slots = 1 + Math.ceil(pairs.copied / 2);
  for (const thread of layout.threads) {
    setField(arena, layout.thread, thread, "blockIds", room(pairs.copied * 4));
    for (const [array, numbers] of Object.entries(layout.pairArrays))
      setField(arena, layout.thread, thread, array, room(pairs.batch * numbers * 4));
    setField(arena, Thread, thread, "repeats", room(slots * Repeat.size));
    setField(arena, Thread, thread, "repeatSums", room(slots * layout.bytesOfRepeat));
  }
  layout.pairs = pairs;
}

/** Sets the learning rates of weights and of vectors; must not be called while the threads run. */
export function setLearningRates(
  arena: Arena,
  { plan }: Pick<FmLayout, "plan">,
  learningRate: number,
  vectorRate: number,
): void {
  setField(arena, Plan, plan, "learningRate", learningRate);
  setField(arena, Plan, plan, "vectorRate", vectorRate);
}

export interface FeatureRates {
  l2Weight: number;
  l2Vector: number;
  /** factor by which the learning rate is multiplied; 0 freezes the feature */
  factor: number;
}

/** Sets the L2 and learning rate of every feature; the shape must have `hasRates`. */
export function setRates(
  arena: Arena,
  layout: Pick<FmLayout, "rates">,
  numFeatures: number,
  ratesOf: (feature: number) => FeatureRates,
): void {
  const rates = arena.f32(layout.rates!);
  for (let i = 0; i < numFeatures; i++) {
    const { l2Weight, l2Vector, factor } = ratesOf(i);
    rates.set([l2Weight, l2Vector, factor, 0], 4 * i);
  }
}

/** Returns the bias w0, of which every thread has an equal copy. */
export function readBias(arena: Arena, { threads }: FmLayout): number {
  return getField(arena, Thread, threads[0]!, "bias");
}

/** Sets the bias w0 on every thread. */
export function writeBias(arena: Arena, { threads }: FmLayout, bias: number): void {
  for (const thread of threads) setField(arena, Thread, thread, "bias", bias);
}

/** Returns the sum of the training losses since the last call; the last thread adds it up. */
export function takeLoss(arena: Arena, { threads }: FmLayout): number {
  return takeField(arena, Thread, threads.at(-1)!, "loss");
}

/** Allocates a Rows struct, all 0. @returns its byte offset */
export function reserveRows(arena: Arena, name: string): number {
  return allocateStruct(arena, name, Rows);
}

/** Writes the fields of a Rows struct; absent arrays are 0. */
export function putRows(arena: Arena, at: number, fields: FieldsOf<typeof Rows>): void {
  putStruct(arena, Rows, at, fields);
}
