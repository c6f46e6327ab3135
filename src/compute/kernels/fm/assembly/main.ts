// A factorization machine, divided by dimensions: each thread owns whole slices of dimensions, and threads exchange one
// partial score per row and slice. The parameters are the same bytes at any number of threads (docs/algorithms/fm.md).
//
//   score(x) = w0 + sum_i w_i x_i + sum_{i<j} <v_i, v_j> x_i x_j
//
//   B  rows per batch      J  slices of K dimensions; slice J contains the weights
//   T  threads; each has consecutive slices, and the first thread also slice J
//
// Structs and shapes: plan.ts. Twin: ../fm.reference.ts.

import { updateAdaGrad } from "./ada-grad";
import { nextPartials, openBatch, openBlock, scoreBatch, takeGradients } from "./batch";
import { forwardLinear, updateWeights, exportWeights, importWeights, startWeights } from "./linear";
import {
  ADAM,
  SGD,
  startState,
  accumulatorAt,
  accumulatorStride,
  sliceAt,
  sumsAt,
  usedOf,
  BATCH_ROWS,
  Plan,
  Rows,
  Thread,
  RatedAdaGrad,
  RatedAdam,
  RatedSgd,
} from "./plan";
import { forward, update } from "./slice";
import { featureKey, firstValue } from "../../shared/assembly/random";
import { AdaGrad, Adam, Sgd } from "../../shared/assembly/steps";

// the following functions are exported for machines whose parameters are in several memories, which call them for each
// batch (src/trainers/shared/factor-model/grouped-kernel.ts)
export { nextPartials, openBatch, openBlock, scoreBatch, takeGradients, updateWeights };

function forwardSlice(plan: Plan, thread: Thread, j: u32, S: usize, partial: usize, touches: bool): void {
  if (j == plan.numSlices) {
    if (thread.general) forwardLinear<f32>(plan, thread, partial);
    else forwardLinear<u32>(plan, thread, partial);
  } else if (plan.sliceWidth == 8) {
    if (thread.general) forward<u64, f32>(plan, thread, j, S, partial, touches);
    else forward<u64, u32>(plan, thread, j, S, partial, touches);
  } else {
    if (thread.general) forward<u32, f32>(plan, thread, j, S, partial, touches);
    else forward<u32, u32>(plan, thread, j, S, partial, touches);
  }
}

/**
 * Takes one step for each feature of each row; for FTRL, vectors take AdaGrad's steps.
 *
 * @param to end of the thread's slices
 * @returns the number of updated slices: 1 (slice j), or 2 (j and j + 1)
 */
function updateSlice(plan: Plan, thread: Thread, j: u32, to: u32): u32 {
  const rated = plan.rates != 0;
  if (plan.method == SGD) {
    if (rated) updateBy<RatedSgd>(plan, thread, j);
    else updateBy<Sgd>(plan, thread, j);
  } else if (plan.method == ADAM) {
    if (rated) updateBy<RatedAdam>(plan, thread, j);
    else updateBy<Adam>(plan, thread, j);
  } else {
    return rated
      ? updateByAdaGrad<RatedAdaGrad>(plan, thread, j, to)
      : updateByAdaGrad<AdaGrad>(plan, thread, j, to);
  }
  return 1;
}

function updateBy<M>(plan: Plan, thread: Thread, j: u32): void {
  if (plan.sliceWidth == 8) {
    if (thread.general) update<u64, f32, M>(plan, thread, j);
    else update<u64, u32, M>(plan, thread, j);
  } else {
    if (thread.general) update<u32, f32, M>(plan, thread, j);
    else update<u32, u32, M>(plan, thread, j);
  }
}

/** Updates two slices at once if they are adjacent in memory, because one cache line contains both. */
function updateByAdaGrad<M>(plan: Plan, thread: Thread, j: u32, to: u32): u32 {
  if (plan.sliceWidth == 4) {
    if (thread.general) updateAdaGrad<u32, f32, M>(plan, thread, j);
    else updateAdaGrad<u32, u32, M>(plan, thread, j);
  } else if (j + 1 < to && sliceAt(plan, j + 1) == sliceAt(plan, j) + 32) {
    if (thread.general) updateAdaGrad<v128, f32, M>(plan, thread, j);
    else updateAdaGrad<v128, u32, M>(plan, thread, j);
    return 2;
  } else {
    if (thread.general) updateAdaGrad<u64, f32, M>(plan, thread, j);
    else updateAdaGrad<u64, u32, M>(plan, thread, j);
  }
  return 1;
}

/**
 * Trains on one block of rows, this thread's slices; every thread of the plan calls it for the same blocks in the same
 * order.
 *
 * One barrier per batch is enough: a slice's parameters are read only by the thread that wrote them.
 *
 * @param index   index of this thread, 0 .. T-1; thread T-1 adds up the losses
 * @param first   first row of the block
 * @param numRows rows of the block, at most 4,096
 * @param key     of the block's permutation; 0 visits the rows in their order in memory
 * @returns false when the pool is stopping
 */
export function trainBlock(
  plan: Plan,
  thread: Thread,
  index: u32,
  rows: Rows,
  first: u32,
  numRows: u32,
  key: u32,
): bool {
  // a thread processes adjacent slices; the first thread has the fewest slices of vectors, or none, because it also
  // processes the slice of the weights
  const fromSlice = (index * plan.numSlices) / plan.numThreads;
  const toSlice = ((index + 1) * plan.numSlices) / plan.numThreads;
  openBlock(thread, rows, first, numRows, key);
  for (let from: u32 = 0; from < numRows; from += BATCH_ROWS) {
    openBatch(thread, rows, first, numRows, key, from);
    const partials = nextPartials(plan, thread);
    forwardSlices(plan, thread, fromSlice, toSlice, partials);
    if (index == 0) forwardSlices(plan, thread, plan.numSlices, plan.numSlices + 1, partials);
    if (!takeGradients(plan, thread, index, partials)) return false;
    updateSlices(plan, thread, fromSlice, toSlice);
    if (index == 0) updateWeights(plan, thread);
  }
  return true;
}

/**
 * Computes the sums S of v x and the partial scores of slices from .. to - 1, for the rows of the thread's current
 * batch; slice J, the last one, contains the weights.
 *
 * @param partials f32[J + 1][B]
 */
export function forwardSlices(plan: Plan, thread: Thread, from: u32, to: u32, partials: usize): void {
  for (let j = from; j < to; j++) {
    // all accumulators that a thread has of a feature are adjacent, so the first slice brings them into the cache
    const touches = j == from && plan.accumulators != 0;
    forwardSlice(plan, thread, j, sumsAt(plan, j), partials + ((<usize>j * BATCH_ROWS) << 2), touches);
  }
}

/** Takes a step for each feature of each row of the batch, in slices from .. to - 1 of its vector. */
export function updateSlices(plan: Plan, thread: Thread, from: u32, to: u32): void {
  for (let j = from; j < to;) j += updateSlice(plan, thread, j, to);
}

/**
 * Writes the scores of consecutive rows and adds their losses up, in the rows' order.
 *
 * Any thread may score any block: it reads the parameters and writes to its own buffers and to `scores` alone.
 *
 * @param numRows rows of the block, at most 4,096
 * @param scores  f32: scores[r] is the score of row r, writable up to a multiple of 256 rows
 * @returns f64 sum of the losses
 */
export function scoreBlock(
  plan: Plan,
  thread: Thread,
  rows: Rows,
  first: u32,
  numRows: u32,
  scores: usize,
): f64 {
  let loss: f64 = 0;
  openBlock(thread, rows, first, numRows, 0);
  for (let from: u32 = 0; from < numRows; from += BATCH_ROWS) {
    openBatch(thread, rows, first, numRows, 0, from);
    scoreSlices(plan, thread, 0, plan.numSlices + 1);
    loss = scoreBatch(plan, thread, scores + ((<usize>(first + from)) << 2), loss);
  }
  return loss;
}

/** Computes the partial scores of slices from .. to - 1 for the thread's current batch, in the thread's own buffers. */
export function scoreSlices(plan: Plan, thread: Thread, from: u32, to: u32): void {
  for (let j = from; j < to; j++) {
    const partial = thread.scorePartials + ((<usize>j * BATCH_ROWS) << 2);
    forwardSlice(plan, thread, j, thread.scoreSums, partial, false);
  }
}

/**
 * Draws the initial v of slice j, uniform in [-spread, spread) by a hash of (seed, feature's hash, dimension), and sets
 * w to 0 and the optimizer state to its initial value. A feature that no training row holds is 0 and stays 0.
 *
 * @param hashes u32[n][2]: hash of each feature's field and key, which is the same in every vocabulary
 * @param counts u32[n]: number of training rows that have the feature
 */
export function initialize(plan: Plan, j: u32, hashes: usize, counts: usize, seed: u32, spread: f32): void {
  if (j == plan.numSlices) startWeights(plan);
  else initializeRange(plan, j, 0, plan.numFeatures, hashes, counts, seed, spread);
}

/** Does the same for n features from `first` on, except w; `hashes` and `counts` begin with those of `first`. */
export function initializeRange(
  plan: Plan,
  j: u32,
  first: u32,
  n: u32,
  hashes: usize,
  counts: usize,
  seed: u32,
  spread: f32,
): void {
  const K = plan.sliceWidth;
  let p = sliceAt(plan, j) + <usize>first * plan.featureStride;
  for (let i: usize = 0; i < n; i++, p += plan.featureStride) {
    const key = featureKey(seed, hashes + (i << 3));
    const trained = load<u32>(counts + (i << 2)) != 0;
    for (let d: u32 = 0; d < K; d++) {
      const dimension = j * K + d;
      // padding dimensions stay 0
      const v: f32 =
        trained && dimension < plan.dim ? firstValue(key, plan.firstDimension + dimension, spread) : 0;
      store<f32>(p + ((<usize>d) << 2), v);
      if (!plan.accumulators) startState(plan, p + ((<usize>d) << 2), (<usize>K) << 2);
    }
    if (plan.accumulators)
      store<f32>(accumulatorAt(plan, j) + (<usize>first + i) * accumulatorStride(plan, j), 1);
  }
}

/**
 * Copies slice j of all vectors to a dense array, or, if j is the slice of the weights, the weights to `w`.
 *
 * @param vectors f32[n][dim]
 * @param w f32[n]
 * @returns false when a parameter is NaN or infinite
 */
export function exportSlice(plan: Plan, j: u32, vectors: usize, w: usize): bool {
  if (j == plan.numSlices) return exportWeights(plan, w);
  const n = plan.numFeatures;
  let check: f32 = 0; // x - x is 0 for a finite x, else NaN
  const used = usedOf(plan, j);
  let p = sliceAt(plan, j);
  for (let i: usize = 0; i < n; i++, p += plan.featureStride) {
    const target = vectors + ((i * plan.dim + j * plan.sliceWidth) << 2);
    for (let d: usize = 0; d < used; d++) {
      const value = load<f32>(p + (d << 2));
      check += value - value;
      store<f32>(target + (d << 2), value);
    }
  }
  return check == 0;
}

/**
 * Adds up the squares of the vectors' elements in slice j, in a fixed order.
 *
 * @returns 0 for the slice that contains the weights instead of vectors
 */
export function sumSquares(plan: Plan, j: u32): f64 {
  if (j == plan.numSlices) return 0;
  let even = f64x2.splat(0);
  let odd = f64x2.splat(0);
  let p = sliceAt(plan, j);
  const bytes = (<usize>plan.sliceWidth) << 2;
  for (let i: usize = 0; i < plan.numFeatures; i++, p += plan.featureStride) {
    // padding dimensions are 0, so they add nothing
    for (let q = p; q < p + bytes; q += 16) {
      const low = f64x2.promote_low_f32x4(v128.load64_zero(q));
      const high = f64x2.promote_low_f32x4(v128.load64_zero(q, 8));
      even = f64x2.add(even, f64x2.mul(low, low));
      odd = f64x2.add(odd, f64x2.mul(high, high));
    }
  }
  const sums = f64x2.add(even, odd);
  return f64x2.extract_lane(sums, 0) + f64x2.extract_lane(sums, 1);
}

/** Copies dense arrays to the parameters: the inverse of exportSlice. Accumulators stay unchanged. */
export function importSlice(plan: Plan, j: u32, vectors: usize, w: usize): void {
  if (j == plan.numSlices) {
    importWeights(plan, w);
    return;
  }
  const n = plan.numFeatures;
  const used = usedOf(plan, j);
  let p = sliceAt(plan, j);
  for (let i: usize = 0; i < n; i++, p += plan.featureStride) {
    const source = vectors + ((i * plan.dim + j * plan.sliceWidth) << 2);
    for (let d: usize = 0; d < used; d++) store<f32>(p + (d << 2), load<f32>(source + (d << 2)));
  }
}
