// A factorization machine whose parameters exceed one WebAssembly memory: groups of adjacent slices, each in a memory
// of its own (docs/decisions/0031).
//
//   hub       the machine's arena: rows, weights, and of each thread its batch, the partial scores of all slices, and the gradients
//   group g   v and accumulators of its slices; of each thread, a copy of its batch's ids, values and gradients, and the partial scores
//
// The threads copy between them, once per batch (src/factors/grouped-kernel.ts).

import { allocateBarrier } from "../shared/barrier.js";
import { Arena } from "../shared/memory.js";
import { getField, writeStruct } from "../shared/struct.js";
import { cutTables, putOffsets } from "../shared/tables.js";
import { threadsInUse } from "../shared/threads-in-use.js";
import {
  allocateWeights,
  BATCH_ROWS,
  planFields,
  putPlaces,
  sliceOf,
  sliceWidth,
  threadFields,
  type FmLayout,
  type FmShape,
  type StridedOffset,
} from "./binding.js";
import { Plan, Thread } from "./layout.js";

/**
 * Number of features whose hashes and counts are copied at a time to a group's memory, to initialize the vectors in it.
 */
export const STAGED = 1 << 16;

/** A memory with the vectors of adjacent slices. */
export interface SliceGroup extends Pick<
  FmLayout,
  "plan" | "threads" | "rates" | "pairs" | "thread" | "pairArrays" | "bytesOfRepeat"
> {
  arena: Arena;
  firstSlice: number;
  /** location of the vectors and of AdaGrad's accumulators, for each slice of the group */
  slices: StridedOffset[];
  accumulators: StridedOffset[] | undefined;
  /** byte offset of a buffer for the hashes u32[STAGED][2], followed by the counts u32[STAGED], of STAGED features */
  staging: number;
}

/**
 * Allocates a machine with `numGroups` memories besides the arena; a group belongs to one thread at a time, and the
 * first thread has the weights.
 */
export function allocateSliceGroups(
  arena: Arena,
  shape: FmShape,
  numGroups: number,
): { layout: FmLayout; sliceGroups: SliceGroup[] } {
  const { numFeatures, dim, hasRates } = shape;
  const K = sliceWidth(dim);
  const J = Math.ceil(dim / K);
  const numThreads = Math.max(1, Math.min(shape.threads, numGroups + 1));
  const barrier = allocateBarrier(arena);
  const edge = (g: number) => Math.floor((g * J) / numGroups);
  const sliceGroups = Array.from({ length: numGroups }, (_, g) =>
    allocateGroup(shape, { first: edge(g), last: edge(g + 1) }, numThreads),
  );
  const rates = hasRates ? arena.allocate("the rates of the features", numFeatures * 16) : undefined;
  const fields = planFields(arena, shape, {
    ...{ barrier, numThreads, rates },
    linear: allocateWeights(arena, shape, 0),
    numParts: J,
    sliceWidth: K,
    ...{ slices: 0, featureStride: 0, accumulators: 0, sums: undefined },
  });
  const plan = writeStruct(arena, "a plan", Plan, fields);
  // only the first thread updates weights, so only it needs an array with the slot of each repeated feature
  const threads = Array.from({ length: numThreads }, (_, t) =>
    writeStruct(arena, "a thread", Thread, threadFields(arena, t === 0 ? numFeatures : 0, 0, J + 1)),
  );
  const squares = sliceGroups.flatMap(({ accumulators = [] }) => accumulators);
  const layout: FmLayout = {
    ...{ plan, threads, barrier, rates },
    use: threadsInUse(arena, Plan, plan, {
      ...{ thread: Thread, threads, ofLast: ["loss"] },
      alike: ["bias", "biasAccumulator", "batchNumber"],
    }),
    numSlices: J,
    slices: [sliceGroups.flatMap(({ slices }) => slices)],
    accumulators: squares.length > 0 ? [squares] : undefined,
    groups: [0],
    used: Array.from({ length: J }, (_, j) => Math.min(K, dim - j * K)),
    vectorWidth: dim,
    bytesOfRepeat: 8,
    pairs: { copied: 0, batch: 0 },
    thread: Thread,
    pairArrays: { values: 1 },
  };
  return { layout, sliceGroups };
}

/** Allocates the memory of slices first .. last - 1. */
function allocateGroup(
  shape: FmShape,
  { first, last }: { first: number; last: number },
  numThreads: number,
): SliceGroup {
  const arena = new Arena();
  const { numFeatures: n, method, hasRates } = shape;
  const K = sliceWidth(shape.dim);
  const J = last - first;
  const { numbers, accumulators: perSlice } = sliceOf(method, K);
  const tables = cutTables(
    arena.allocate(`the vectors of ${n} features`, J * n * numbers * 4),
    J,
    numbers * 4,
    1,
  );
  const slices = tables.offsets.map((offset) => ({ offset, stride: tables.featureStride, arena }));
  let accumulators: StridedOffset[] | undefined;
  if (perSlice > 0) {
    const { offset } = arena.allocate(`the accumulators of ${n} features`, n * J * 4);
    accumulators = slices.map((_, j) => ({ offset: offset + 4 * j, stride: 4 * J, arena }));
  }
  const rates = hasRates ? arena.allocate("the rates of the features", n * 16) : undefined;
  const slots = arena.numbers(`the slots of ${n} features`, n);
  const dim = Math.min(shape.dim, last * K) - first * K;
  const plan = writeStruct(arena, "a plan", Plan, {
    ...planFields(
      arena,
      { ...shape, dim },
      {
        ...{ barrier: undefined, numThreads: 1, rates },
        linear: { offset: 0, stride: 0 },
        numParts: J,
        sliceWidth: K,
        slices: putOffsets(arena, tables),
        featureStride: tables.featureStride,
        accumulators: accumulators ? putPlaces(arena, accumulators) : 0,
        sums: arena.numbers("sums", J * BATCH_ROWS * K),
      },
    ),
    firstDimension: first * K,
  });
  // the threads share one array with the slot of each repeated feature, because a group belongs to one thread at a
  // time, and the array is all 0 whenever a thread takes over the group
  const threads = Array.from({ length: numThreads }, () =>
    writeStruct(arena, "a thread", Thread, { ...threadFields(arena, 0, BATCH_ROWS * K, J + 1), slots }),
  );
  return {
    ...{ arena, plan, threads, rates, slices, accumulators },
    firstSlice: first,
    staging: arena.numbers("hashes and counts", 3 * STAGED).offset,
    // space for the gradients of two slices, because AdaGrad may update two slices at once
    bytesOfRepeat: 2 * K * 4,
    pairs: { copied: 0, batch: 0 },
    thread: Thread,
    pairArrays: { values: 1 },
  };
}

/**
 * Copies vectors and weights of all features from the memories to dense arrays, or to the memories from the arrays.
 *
 * @param vectors f32[n][dim]
 * @param w f32[n]
 * @returns false if a copied number is NaN or infinite
 */
export function copyParameters(
  arena: Arena,
  { plan, slices: [slices], used, vectorWidth: dim }: FmLayout,
  { vectors, w }: { vectors: Float32Array; w: Float32Array },
  to: "arrays" | "memories",
): boolean {
  const K = sliceWidth(dim);
  const field = (name: "linear" | "linearStride") => getField(arena, Plan, plan, name);
  const linear = { offset: field("linear"), stride: field("linearStride"), arena };
  const copies = slices!.map((place, j) =>
    copyNumbers(place, used[j]!, { array: vectors, from: j * K, step: dim }, to),
  );
  return [...copies, copyNumbers(linear, 1, { array: w, from: 0, step: 1 }, to)].every(Boolean);
}

/**
 * Copies `size` numbers per feature from a location in memory to an array, in which the numbers of consecutive features
 * begin `step` elements apart; or from the array to the memory.
 */
function copyNumbers(
  { offset, stride, arena }: StridedOffset,
  size: number,
  { array, from, step }: { array: Float32Array; from: number; step: number },
  to: "arrays" | "memories",
): boolean {
  const numbers = new Float32Array(arena!.memory.buffer);
  const fromArray = to === "memories";
  let check = 0; // x - x is 0 for a finite x, else NaN
  for (let i = from, at = offset / 4; i < array.length; i += step, at += stride / 4) {
    for (let d = 0; d < size; d++) {
      const x = fromArray ? array[i + d]! : numbers[at + d]!;
      check += x - x;
      if (fromArray) numbers[at + d] = x;
      else array[i + d] = x;
    }
  }
  return check === 0;
}
