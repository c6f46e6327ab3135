// A factorization machine whose parameters exceed one WebAssembly memory: groups of adjacent slices, each in a memory
// of its own (docs/decisions/0031).
//
//   hub       the machine's arena: rows, weights, and of each thread its batch, the partial scores of all slices, and the gradients
//   group g   v and accumulators of its slices; of each thread, a copy of its batch's ids, values and gradients, and the partial scores
//
// The threads copy between them, once per batch (src/trainers/shared/factor-model/grouped-kernel.ts).

import { sizeText, UsageError } from "../../../base/errors.js";
import { allocateBarrier } from "../shared/barrier.js";
import { Arena, SHRINKING } from "../shared/memory.js";
import { getField, writeStruct } from "../shared/struct.js";
import { threadsInUse } from "../shared/threads-in-use.js";
import {
  allocateWeights,
  BATCH_ROWS,
  cutTables,
  KEPT_FIELDS,
  METHODS,
  mostThreads,
  planFields,
  putPlaces,
  sliceOf,
  sliceWidth,
  threadFields,
  type FmLayout,
  type FmMethod,
  type FmShape,
  type StridedOffset,
} from "./binding.js";
import { Plan, Thread } from "./layout.js";

/**
 * Maximum bytes of a WebAssembly memory, and how many of them are reserved for everything but parameters: batches, rows
 * and the threads' buffers. Tests lower both numbers, so that even small models are divided.
 */
export const memoryBytes = { most: 2 ** 32, buffers: 64 << 20 };

/** Maximum number of elements of an array, for the vectors of all features together. */
const MOST_ELEMENTS = 2 ** 32;

type FmSize = Pick<FmShape, "numFeatures" | "dim" | "method" | "hasRates" | "threads">;

/**
 * Returns the number of bytes per feature: for its vector and weight with the optimizer state, for a copy of both from
 * the best epoch, for its hash, count and individual rates, and for its slot in each thread.
 */
export function bytesOfFeature(dim: number, method: FmMethod, hasRates: boolean, threads: number): number {
  const parameters =
    Math.ceil(dim / sliceWidth(dim)) * bytesOfSlice(dim, method) + METHODS[method].linearBytes;
  return parameters + 4 * (dim + 1) + 12 + (hasRates ? 16 : 0) + 4 * mostThreads({ dim, threads });
}

function bytesOfSlice(dim: number, method: FmMethod): number {
  const { numbers, accumulators } = sliceOf(method, sliceWidth(dim));
  return 4 * (numbers + accumulators);
}

/**
 * Returns the number of memories into which the slices are divided; 0 if one memory holds all parameters. The number
 * affects addresses and speed, but no result.
 *
 * @throws {UsageError} a slice of all features, their weights, or the vectors together are too large; the message
 * states the limit
 */
export function numSliceGroups({ numFeatures: n, dim, method, hasRates, threads }: FmSize): number {
  const { most, buffers } = memoryBytes;
  const whole = n * bytesOfFeature(dim, method, hasRates, threads) + buffers;
  if (whole <= most) return 0;
  const slice = n * bytesOfSlice(dim, method);
  // besides its slices, each memory contains a feature's slot, and its rates if features have their own
  const besides = n * (hasRates ? 20 : 4) + buffers;
  const together = Math.floor((most - besides) / slice);
  const numSlices = Math.ceil(dim / sliceWidth(dim));
  const fits = together >= 1 && n * METHODS[method].linearBytes + besides <= most && n * dim <= MOST_ELEMENTS;
  if (!fits || numSlices === 0)
    throw new UsageError(
      `${n.toLocaleString("en")} features of dim ${dim} need ${sizeText(whole)} of memory with ${method}; the limits are ` +
        `4 GiB for ${sliceWidth(dim)} dimensions of all features, and for their weights, and 16 GiB for all vectors: ${SHRINKING}`,
    );
  return Math.min(numSlices, Math.max(Math.ceil(numSlices / together), threads - 1));
}

/** Number of features whose hashes and counts are copied at a time to a group's memory, to initialize its vectors. */
export const STAGED = 1 << 16;

/** A memory with the vectors of adjacent slices. */
export interface SliceGroup extends Pick<
  FmLayout,
  "plan" | "threads" | "rates" | "pairs" | "thread" | "pairArrays" | "bytesOfRepeat"
> {
  arena: Arena;
  firstSlice: number;
  slices: StridedOffset[];
  accumulators: StridedOffset[] | undefined;
  /** buffer for the hashes u32[STAGED][2], followed by the counts u32[STAGED], of STAGED features */
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
    use: threadsInUse(arena, Plan, plan, { thread: Thread, threads, ...KEPT_FIELDS }),
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
        slices: arena.put("where the vectors lie", Uint32Array.from(tables.offsets)),
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
    // AdaGrad may update two slices at once
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

/** Copies `size` numbers per feature; in the array, the numbers of consecutive features begin `step` elements apart. */
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
