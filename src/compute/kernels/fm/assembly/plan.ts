// The kernel's arguments, as structs in shared memory; ../binding.ts writes them.
// All fields are four bytes, pointers are byte offsets, 64-byte aligned.
//
//   B   rows a batch: 256
//   K   dimensions a slice: 4 or 8
//   J   slices; slice J contains the weights
//   n   features

import { PairRows } from "../../shared/assembly/rows";

/** B: number of rows per batch; all scores of a batch are computed at its start. */
export const BATCH_ROWS: u32 = 256;
/** Maximum number of rows of a kernel call; also the size of a block, within which rows are shuffled. */
export const BLOCK_ROWS: u32 = 4096;

/** The model and its training options. All threads read it, none writes to it. */
export class Plan {
  barrier: usize;
  numThreads: u32;
  numFeatures: u32;
  dim: u32;
  /** index in the whole vector of the first dimension in this memory (../slice-groups.ts) */
  firstDimension: u32;
  /** J */
  numSlices: u32;
  /** K */
  sliceWidth: u32;
  /** u32[J]: address of feature 0's v, K floats followed by their optimizer state */
  slices: usize;
  featureStride: usize;
  /** u32[J][2]: address of feature 0's AdaGrad accumulator, and bytes to the next feature's; 0 for other methods */
  accumulators: usize;
  /** weights: feature i has `linearBytes` bytes (w and its state) at offset i * `linearStride` */
  linear: usize;
  linearStride: usize;
  linearBytes: usize;
  /** f32[J][B][K]: S, each row's sum of v x */
  sums: usize;
  /** f32[2][J + 1][B]: partial scores by slice; even and odd batches use different halves */
  partials: usize;
  /** 1 if the loss is the squared loss, 0 if it is the logistic loss */
  squared: u32;
  /** of the weights w and the bias w0 */
  learningRate: f32;
  vectorRate: f32;
  l2Weight: f32;
  l2Vector: f32;
  l1Weight: f32;
  /** ADAGRAD, SGD, FTRL or ADAM */
  method: u32;
  /**
   * f32[n][4]: L2 of the feature's weight and vector, factor of both learning rates, and an unused number; 0 when all
   * features use the plan's options
   */
  rates: usize;
}

export class Rows extends PairRows {
  numRows: u32;
  labels: usize;
  /** f32: weight of each row; 0 when all are 1 */
  weights: usize;
}

export class Thread {
  /** sum of the losses since the caller last reset it; only the last thread uses it */
  loss: f64;
  /** the bias w0; its bytes are equal on all threads */
  bias: f32;
  biasAccumulator: f32;
  /** number of batches since training began; its lowest bit selects the half of `partials` */
  batchNumber: u32;
  /** of the batch */
  numRows: u32;
  /** 1 if the batch's rows have arrays `values` and `ends`; 0 if every row has `width` pairs with the value 1 */
  general: u32;
  width: u32;
  /** f32[B]: weights of the batch's rows, in place or copied to blockWeights; 0 when all are 1 */
  weights: usize;
  /** u32: features of the batch, row after row, in place or copied to blockIds */
  ids: usize;
  /** f32[B]: labels of the batch, in place or copied to blockLabels */
  labels: usize;
  /** u32: features that the thread copied: those of a block if rows have constant width, else those of a batch */
  blockIds: usize;
  /** f32: value of each pair of the batch */
  values: usize;
  /** u32[B]: index after each row's last pair */
  ends: usize;
  /** f32[4096]: labels and weights of the block's rows in the order of visit */
  blockLabels: usize;
  blockWeights: usize;
  /** checksum of the prefetched numbers; storing it keeps the compiler from removing the reads */
  touched: u32;
  /** f32[B]: dLoss/dscore of the batch's rows */
  gradients: usize;
  /** f32[B][K] and f32[J + 1][B]: sums of v x and partial scores of rows that are scored outside training */
  scoreSums: usize;
  scorePartials: usize;
  /** u32[4096]: position of each row of the block in the order of visit */
  places: usize;
  /** inverse of `places`: row that is visited at each position, u32[4096] */
  order: usize;
  /** u32[n]: slot of each marked feature of the batch; 0 for other features (repeats.ts) */
  slots: usize;
  numRepeats: u32;
  /** Repeat[1 + slots] */
  repeats: usize;
  /** f32[1 + slots][K]: sum of each marked feature's gradients, by slot */
  repeatSums: usize;
}

export const ADAGRAD: u32 = 0;
export const SGD: u32 = 1;
export const FTRL: u32 = 2;
export const ADAM: u32 = 3;

/**
 * Sets the optimizer state of the number at p to its initial value: 1 for AdaGrad's accumulator, 0 for Adam.
 * @param apart bytes from the number to its state, and between the numbers of the state
 */
export function startState(plan: Plan, p: usize, apart: usize): void {
  if (plan.method == SGD) return;
  store<f32>(p + apart, plan.method == ADAM ? 0 : 1);
  if (plan.method != ADAM) return;
  store<f32>(p + 2 * apart, 0);
  store<f32>(p + 3 * apart, 0);
}

export function sliceAt(plan: Plan, j: u32): usize {
  return <usize>load<u32>(plan.slices + ((<usize>j) << 2));
}

export function accumulatorAt(plan: Plan, j: u32): usize {
  return <usize>load<u32>(plan.accumulators + ((<usize>j) << 3));
}

export function accumulatorStride(plan: Plan, j: u32): usize {
  return <usize>load<u32>(plan.accumulators + ((<usize>j) << 3), 4);
}

export function sumsAt(plan: Plan, j: u32): usize {
  return plan.sums + <usize>j * BATCH_ROWS * ((<usize>plan.sliceWidth) << 2);
}

/** Returns the number of dimensions of slice j, not counting padding. */
export function usedOf(plan: Plan, j: u32): u32 {
  return min(plan.sliceWidth, plan.dim - j * plan.sliceWidth);
}

/**
 * Types that represent the methods for models in which each feature has its own rates. They are signed, unlike those
 * for other models (../../shared/assembly/steps.ts).
 */
export type RatedSgd = i8;
export type RatedAdaGrad = i32;
export type RatedAdam = i64;

export function ratesOf(plan: Plan, feature: u32): usize {
  return plan.rates + ((<usize>feature) << 4);
}
