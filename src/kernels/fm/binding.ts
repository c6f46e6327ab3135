// The factorization machine's kernel as the rest of the program sees it: its functions, and its structs laid out in an arena.
//
//   plan ──► slices     u32[J]            where the slices lie (tables.ts): f32[n][S][K] each, v and its state, S of the method
//        ──► linear     f32[n][L]         w and its state, L of the method
//        ──► rates      f32[n][4]         L2 and rate of each feature, where they differ
//        ──► sums       f32[J][B][K]      S of the batch
//        ──► partials   f32[2][J+1][B]    partial scores, alternating
//   thread t ──► blockIds, values, ends, blockLabels: its copy of a block or batch; places, order: its permutation of the block

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
import { cutTables, putOffsets } from "../shared/tables.js";
import { ADAGRAD, ADAM, BATCH_ROWS, BLOCK_ROWS, FTRL, Plan, Repeat, Rows, SGD, Thread } from "./layout.js";

export { BATCH_ROWS, BLOCK_ROWS };
export type { Kernel as FmKernel } from "./layout.js";

/** How a machine is cut and how it learns. */
export interface FmShape {
  numFeatures: number;
  dim: number;
  /** at most; slices and the weights are dealt to no more threads than there are of them */
  threads: number;
  loss: "logistic" | "squared";
  method: FmMethod;
  learningRate: number;
  /** learning rate of vectors; that of weights when absent */
  vectorRate?: number;
  l1Weight: number;
  l2Weight: number;
  l2Vector: number;
  /** features have L2 and rates of their own; `setRates` says which */
  hasRates: boolean;
}

/** How parameters move: the kernel's codes, S numbers of a parameter of v and its state, bytes of a w and its state. */
export const METHODS = {
  adagrad: { code: ADAGRAD, states: 2, linearBytes: 8 },
  sgd: { code: SGD, states: 1, linearBytes: 8 },
  ftrl: { code: FTRL, states: 2, linearBytes: 16 },
  adam: { code: ADAM, states: 4, linearBytes: 32 },
} as const;

export type FmMethod = keyof typeof METHODS;

/** Where a number of feature 0 lies, or would if it were of this group, and how many bytes further that of the next. */
export interface Place {
  offset: number;
  stride: number;
}

/** How many pairs a thread has at once. */
export interface PairCounts {
  /** in its copy: of a block when all rows have one width and no values, else of a batch */
  copied: number;
  /** of a batch */
  batch: number;
}

/** Where the kernel's structs lie. */
export interface FmLayout {
  plan: number;
  /** one a thread */
  threads: number[];
  barrier: Region;
  /** has so many threads train; absent where parameters are dealt to threads for good */
  use?: (threads: number) => void;
  /** of what is drawn and copied: slices of dimensions, or runs of features */
  numSlices: number;
  /** where v and its state lie, by group of features and slice of K dimensions; a field-aware machine's by block, field and quad */
  slices: readonly (readonly Place[])[];
  /** where the accumulators of slices lie, when a slice has one; several may share it */
  accumulators: readonly (readonly Place[])[] | undefined;
  /** first feature of each group, ascending; a group may be empty */
  groups: readonly number[];
  /** dimensions of each slice below dim */
  used: readonly number[];
  /** numbers a feature in the vectors that the kernel exports */
  vectorWidth: number;
  /** f32[n][4], where features have their own */
  rates: Region | undefined;
  /** pairs that a thread has room for; `reservePairs` makes more */
  pairs: PairCounts;
  /** a thread's struct, and which of its fields point to arrays of so many numbers a pair of a batch */
  thread: Struct;
  pairArrays: Readonly<Record<string, number>>;
  /** bytes of the sums that a thread keeps of a marked feature */
  bytesOfRepeat: number;
}

/** K: dimensions a slice; small vectors are cut finer, so that two threads share them. It depends on dim alone. */
export function sliceWidth(dim: number): 4 | 8 {
  return dim <= 8 ? 4 : 8;
}

/** Threads that a machine uses: at most one for each slice, and one for the weights. Without slices one has the weights. */
export function mostThreads({ dim, threads }: { dim: number; threads: number }): number {
  return Math.max(1, Math.min(threads, Math.ceil(dim / sliceWidth(dim)) + 1));
}

/** What a feature has of a slice of K dimensions: numbers of v and its state side by side, and accumulators in a table of their own. */
export function sliceOf(method: FmMethod, K: number): { numbers: number; accumulators: number } {
  return method === "adagrad" || method === "ftrl"
    ? { numbers: K, accumulators: 1 }
    : { numbers: K * METHODS[method].states, accumulators: 0 };
}

/**
 * Lays out parameters, buffers and structs of a machine; parameters are zero until `initialize` or `importSlice`.
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
    slices: putOffsets(arena, slices),
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
    use: threadsInUse(arena, Plan, plan, {
      ...{ thread: Thread, threads, ofLast: ["loss"] },
      alike: ["bias", "biasAccumulator", "batchNumber"],
    }),
    numSlices: J,
    slices: [slices.offsets.map((offset) => ({ offset, stride: slices.featureStride }))],
    accumulators: squares && [squares],
    groups: [0],
    used: slices.offsets.map((_, j) => Math.min(K, shape.dim - j * K)),
    vectorWidth: shape.dim,
    rates,
    // AdaGrad moves two slices at once
    bytesOfRepeat: 2 * K * 4,
    pairs: { copied: 0, batch: 0 },
    thread: Thread,
    pairArrays: { values: 1 },
  };
}

/** How a plan is cut; `slices` and `accumulators` are offsets. */
export interface PlanParts {
  barrier: Region;
  numThreads: number;
  /** partial scores a row, without the linear one */
  numParts: number;
  sliceWidth: number;
  slices: number;
  featureStride: number;
  linear: Place;
  accumulators: number;
  sums: Region | undefined;
  rates: Region | undefined;
}

/** Room for w and its state, with so many more numbers beside each. */
export function allocateWeights(arena: Arena, { numFeatures, method }: FmShape, beside: number): Place {
  const stride = METHODS[method].linearBytes + 4 * beside;
  return {
    offset: arena.allocate(`the weights of ${numFeatures} features`, numFeatures * stride).offset,
    stride,
  };
}

/**
 * Where the accumulators of each slice lie: those of the first thread beside the weights, which it reads anyway, and those of each other
 * in a table of its own.
 */
function accumulatorPlaces(
  arena: Arena,
  { numFeatures, method }: FmShape,
  J: number,
  numThreads: number,
  linear: Place,
): Place[] {
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

/** Writes places as the kernels read them, u32[][2]. @returns where */
export function putPlaces(arena: Arena, places: readonly Place[]): number {
  const numbers = Uint32Array.from(places.flatMap(({ offset, stride }) => [offset, stride]));
  return arena.put("where numbers lie", numbers);
}

/** The fields of a plan, with partial scores allocated. */
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
    linearStride: linear.stride,
    partials: arena.numbers("partial scores", 2 * (numParts + 1) * BATCH_ROWS),
    squared: loss === "squared",
    vectorRate: vectorRate ?? learningRate,
    method: code,
  };
}

/**
 * The fields of a thread, with its buffers allocated.
 *
 * @param numSums     f32 of S while scoring
 * @param numPartials partial scores a row while scoring
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
    // the kernel's own, of the batch that it works on
    batchNumber: 0,
    numRows: 0,
    general: 0,
    width: 0,
    touched: 0,
    weights: 0,
    ids: 0,
    labels: 0,
    // these, repeats and repeatSums come with reservePairs
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

/** Makes room for so many pairs of each thread; to be called between two runs of the threads. */
export function reservePairs(arena: Arena, layout: FmLayout, { copied, batch }: PairCounts): void {
  if (copied <= layout.pairs.copied && batch <= layout.pairs.batch) return;
  const room = (bytes: number) => arena.allocate("the pairs of a block", bytes).offset;
  const pairs = { copied: Math.max(copied, layout.pairs.copied), batch: Math.max(batch, layout.pairs.batch) };
  // a batch has at most the marked features of its block, each of which is in more than 32 of 4,096 rows, or in more than 8
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

/** Sets the learning rates of weights and of vectors; to be called between two runs of the threads. */
export function setLearningRates(
  arena: Arena,
  { plan }: FmLayout,
  learningRate: number,
  vectorRate: number,
): void {
  setField(arena, Plan, plan, "learningRate", learningRate);
  setField(arena, Plan, plan, "vectorRate", vectorRate);
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
export function readBias(arena: Arena, { threads }: FmLayout): number {
  return getField(arena, Thread, threads[0]!, "bias");
}

/** Sets w0 on every thread. */
export function writeBias(arena: Arena, { threads }: FmLayout, bias: number): void {
  for (const thread of threads) setField(arena, Thread, thread, "bias", bias);
}

/** The sum of the training losses since the last call; the last thread adds it up. */
export function takeLoss(arena: Arena, { threads }: FmLayout): number {
  return takeField(arena, Thread, threads.at(-1)!, "loss");
}

/** Room for the struct of some rows, all 0. @returns its offset */
export function reserveRows(arena: Arena, name: string): number {
  return allocateStruct(arena, name, Rows);
}

/** Writes the struct of some rows; an array that is absent is 0. */
export function putRows(arena: Arena, at: number, fields: FieldsOf<typeof Rows>): void {
  putStruct(arena, Rows, at, fields);
}
