// The kernel's arguments, as structs in shared memory; ../binding.ts writes them.
// All fields are four bytes, pointers are byte offsets, 64-byte aligned.
//
//   B   rows a batch: 256
//   K   dimensions a slice: 4 or 8
//   J   slices; slice J is the linear one
//   n   features

import { PairRows } from "../../shared/assembly/rows";

/** Rows per batch, and height of the largest buffers below. All scores of a batch are computed at its start. */
export const BATCH_ROWS: u32 = 256;
/** Rows of a kernel call, and of a block of the shuffle. */
export const BLOCK_ROWS: u32 = 4096;

/** The model and its training options. All threads read it, none writes to it. */
export class Plan {
  barrier: usize;
  numThreads: u32;
  numFeatures: u32;
  dim: u32;
  /** J */
  numSlices: u32;
  /** K */
  sliceWidth: u32;
  /** u32[J]: where v and its state (shared/assembly/steps.ts), f32[states][K], lie for each slice of the first feature; i featureStride further, of feature i */
  slices: usize;
  featureStride: usize;
  /** u32[J][2]: where AdaGrad's accumulator of each slice of the first feature lies, and how much further that of the next; 0 for other methods */
  accumulators: usize;
  /** w of feature i at i linearStride, its state behind it: linearBytes together */
  linear: usize;
  linearStride: usize;
  linearBytes: usize;
  /** f32[J][B][K]: S, the sum of v x over a row */
  sums: usize;
  /** f32[2][J + 1][B]: partial scores, alternating with the batch's number */
  partials: usize;
  /** 1: squared loss, 0: logistic loss */
  squared: u32;
  /** of w and w0 */
  learningRate: f32;
  /** of v */
  vectorRate: f32;
  l2Weight: f32;
  l2Vector: f32;
  l1Weight: f32;
  /** ADAGRAD, SGD, FTRL or ADAM */
  method: u32;
  /** f32[n][4]: l2 of w, l2 of v, factor of both learning rates, unused; 0 when all features have the plan's */
  rates: usize;
}

/** Rows to read. */
export class Rows extends PairRows {
  numRows: u32;
  labels: usize;
  /** f32: what each row counts */
  weights: usize;
}

/** Memory of one thread: its copy of the bias, and its current batch. */
export class Thread {
  /** f64: sum of the losses since it was last cleared; on the last thread only */
  loss: f64;
  /** w0, the same bytes on every thread */
  bias: f32;
  biasAccumulator: f32;
  /** batches since training began: its lowest bit says which partials are in use */
  batchNumber: u32;
  /** rows of the batch */
  numRows: u32;
  /** 1 when the batch's pairs have values and ends; else every row has `width` pairs, all 1 */
  general: u32;
  width: u32;
  /** f32[B]: weights of its rows, in place or in blockWeights; 0 when all are 1 */
  weights: usize;
  /** u32: the batch's features, row after row, in place or in blockIds */
  ids: usize;
  /** f32[B]: the batch's labels, in place or in blockLabels */
  labels: usize;
  /** u32: room for a block of constant width, or for a batch of any width */
  blockIds: usize;
  /** f32: the values of a batch's pairs */
  values: usize;
  /** u32[B]: where each row's pairs end */
  ends: usize;
  /** f32[4096] */
  blockLabels: usize;
  /** f32[4096] */
  blockWeights: usize;
  /** checksum of reads that only bring data into the cache; stored, so that the compiler keeps the reads */
  touched: u32;
  /** f32[B]: dLoss/dscore */
  gradients: usize;
  /** f32[B][K]: S while scoring */
  scoreSums: usize;
  /** f32[J + 1][B]: partial scores while scoring */
  scorePartials: usize;
  /** u32[4096]: position of each row of the block in the order of visit */
  places: usize;
  /** u32[4096]: its inverse */
  order: usize;
  /** u32[n]: a marked feature's slot in the batch, else 0 (repeats.ts) */
  slots: usize;
  numRepeats: u32;
  /** Repeat[1 + slots] */
  repeats: usize;
  /** f32[1 + slots][K]: sums of gradients */
  repeatSums: usize;
}

/** Codes of the methods. */
export const ADAGRAD: u32 = 0;
export const SGD: u32 = 1;
export const FTRL: u32 = 2;
export const ADAM: u32 = 3;

/** Sets the initial state of one dimension of v, `apart` bytes from one number to the next: AdaGrad's n is 1, Adam's numbers are 0. */
export function startState(plan: Plan, p: usize, apart: usize): void {
  if (plan.method == SGD) return;
  store<f32>(p + apart, plan.method == ADAM ? 0 : 1);
  if (plan.method != ADAM) return;
  store<f32>(p + 2 * apart, 0);
  store<f32>(p + 3 * apart, 0);
}

/** Returns the address of v of the first feature; that of the next is plan.featureStride further. */
export function sliceAt(plan: Plan, j: u32): usize {
  return <usize>load<u32>(plan.slices + ((<usize>j) << 2));
}

/** Returns the address of the accumulator of the first feature; that of the next is accumulatorStride further. */
export function accumulatorAt(plan: Plan, j: u32): usize {
  return <usize>load<u32>(plan.accumulators + ((<usize>j) << 3));
}

export function accumulatorStride(plan: Plan, j: u32): usize {
  return <usize>load<u32>(plan.accumulators + ((<usize>j) << 3), 4);
}

/** Returns the address of S, f32[B][K]; that of the next slice follows. */
export function sumsAt(plan: Plan, j: u32): usize {
  return plan.sums + <usize>j * BATCH_ROWS * ((<usize>plan.sliceWidth) << 2);
}

/** Returns the number of the slice's dimensions without padding. */
export function usedOf(plan: Plan, j: u32): u32 {
  return min(plan.sliceWidth, plan.dim - j * plan.sliceWidth);
}

/**
 * The methods as types (../../shared/assembly/steps.ts). A signed type has L2 and learning rate per feature, in Plan.rates.
 */
export type RatedSgd = i8;
export type RatedAdaGrad = i32;
export type RatedAdam = i64;

/** Returns the address of a feature's rates: l2 of w, l2 of v, and the factor of its learning rate. */
export function ratesOf(plan: Plan, feature: u32): usize {
  return plan.rates + ((<usize>feature) << 4);
}
