// Makes a batch's rows available to a thread: in place if they are visited in file order, else as a copy in the order
// of visit, because each slice reads the rows twice. Computes the batch's scores and gradients from partial scores;
// every thread computes all of them.
//
//   place   u32[numRows]: row i of the block is visited at place[i]
//   order   u32[numRows]: its inverse

import { barrier } from "../../shared/assembly/barrier";
import { addLosses, lossGradient4 } from "../../shared/assembly/loss";
import { permute } from "../../shared/assembly/random";
import { featureAt, firstPair, valueAt } from "../../shared/assembly/rows";
import { adaGrad } from "../../shared/assembly/steps";
import { BATCH_ROWS, Plan, Rows, Thread } from "./plan";

/**
 * Prepares a block of rows for `openBatch`. Rows of constant width are copied for the whole block: they are read
 * sequentially, which is fast, and written to their positions in the order of visit.
 *
 * @param key of the block's permutation; 0 visits the rows in their order in memory
 */
export function openBlock(thread: Thread, rows: Rows, first: u32, numRows: u32, key: u32): void {
  thread.width = rows.width;
  thread.general = u32(rows.indptr != 0 || rows.values != 0);
  if (key) permute(thread.places, numRows, key);
  if (thread.general) {
    for (let i: u32 = 0; i < numRows; i++) {
      const place = key ? load<u32>(thread.places + ((<usize>i) << 2)) : i;
      store<u32>(thread.order + ((<usize>place) << 2), i);
    }
  } else if (key) {
    const bytes = (<usize>rows.width) << 2;
    let source = rows.ids + <usize>first * bytes;
    for (let i: u32 = 0; i < numRows; i++) {
      const place = <usize>load<u32>(thread.places + ((<usize>i) << 2));
      store<f32>(thread.blockLabels + (place << 2), load<f32>(rows.labels + ((<usize>(first + i)) << 2)));
      if (rows.weights) {
        store<f32>(thread.blockWeights + (place << 2), load<f32>(rows.weights + ((<usize>(first + i)) << 2)));
      }
      const target = thread.blockIds + place * bytes;
      let b: usize = 0;
      for (; b + 16 <= bytes; b += 16) v128.store(target + b, v128.load(source + b));
      for (; b < bytes; b += 4) store<u32>(target + b, load<u32>(source + b));
      source += bytes;
    }
  }
}

/**
 * Sets the thread's pointers to a batch: at most 256 rows of the prepared block, from position `from` in the order of
 * visit.
 */
export function openBatch(thread: Thread, rows: Rows, first: u32, numRows: u32, key: u32, from: u32): void {
  thread.numRows = min(BATCH_ROWS, numRows - from);
  if (thread.general) {
    gather(thread, rows, first, from);
    return;
  }
  const ids = key ? thread.blockIds : rows.ids + ((<usize>first * rows.width) << 2);
  const labels = key ? thread.blockLabels : rows.labels + ((<usize>first) << 2);
  thread.ids = ids + ((<usize>from * rows.width) << 2);
  thread.labels = labels + ((<usize>from) << 2);
  thread.weights = 0;
  if (rows.weights) {
    const weights = key ? thread.blockWeights : rows.weights + ((<usize>first) << 2);
    thread.weights = weights + ((<usize>from) << 2);
  }
}

function gather(thread: Thread, rows: Rows, first: u32, from: u32): void {
  thread.ids = thread.blockIds;
  thread.labels = thread.blockLabels;
  thread.weights = rows.weights ? thread.blockWeights : 0;
  let pair: usize = 0;
  for (let i: u32 = 0; i < thread.numRows; i++) {
    const row = first + load<u32>(thread.order + ((<usize>(from + i)) << 2));
    store<f32>(thread.labels + ((<usize>i) << 2), load<f32>(rows.labels + ((<usize>row) << 2)));
    if (rows.weights) {
      store<f32>(thread.blockWeights + ((<usize>i) << 2), load<f32>(rows.weights + ((<usize>row) << 2)));
    }
    const end = firstPair(rows, row + 1);
    for (let source = firstPair(rows, row); source < end; source++, pair++) {
      store<u32>(thread.ids + (pair << 2), featureAt(rows, source));
      store<f32>(thread.values + (pair << 2), valueAt(rows, source));
    }
    store<u32>(thread.ends + ((<usize>i) << 2), <u32>pair);
  }
}

/** Writes the score of each row r: w0 + partial[0][r] + ... + partial[J][r], added in this order. */
function combine(plan: Plan, thread: Thread, partials: usize, scores: usize): void {
  for (let r: usize = 0; r < thread.numRows; r += 4) {
    let score = f32x4.splat(thread.bias);
    for (let j: usize = 0; j <= plan.numSlices; j++) {
      score = f32x4.add(score, v128.load(partials + ((j * BATCH_ROWS + r) << 2)));
    }
    v128.store(scores + (r << 2), score);
  }
}

/** Replaces scores by dLoss/dscore times the row's weight, and takes one AdaGrad step of the bias on their mean. */
function scoresToGradients(plan: Plan, thread: Thread): void {
  const gradients = thread.gradients;
  for (let r: usize = 0; r < thread.numRows; r += 4) {
    const s = v128.load(gradients + (r << 2));
    const y = v128.load(thread.labels + (r << 2));
    let g = lossGradient4(s, y, plan.squared != 0);
    if (thread.weights) g = f32x4.mul(g, v128.load(thread.weights + (r << 2)));
    v128.store(gradients + (r << 2), g);
  }
  let sum: f64 = 0;
  for (let r: usize = 0; r < thread.numRows; r++) sum += <f64>load<f32>(gradients + (r << 2));
  const mean = <f32>(sum / <f64>thread.numRows);
  thread.biasAccumulator += mean * mean;
  thread.bias = adaGrad<f32>(thread.bias, mean, plan.learningRate, thread.biasAccumulator);
}

/**
 * Returns the address of the next batch's partial scores, f32[J + 1][B] by slice and row. Two buffers alternate, so
 * that a fast thread does not overwrite what a slow one still reads.
 */
export function nextPartials(plan: Plan, thread: Thread): usize {
  const parity: usize = thread.batchNumber++ & 1;
  return plan.partials + ((parity * (plan.numSlices + 1) * BATCH_ROWS) << 2);
}

/**
 * Waits until all partial scores of the batch are complete, and computes the thread's gradients from them, with a step
 * of w0. Every thread adds up all partial scores, so that none waits for the result of another; the last thread also
 * adds up the losses.
 *
 * @returns false when the pool is stopping
 */
export function takeGradients(plan: Plan, thread: Thread, index: u32, partials: usize): bool {
  if (!barrier(plan.barrier, plan.numThreads)) return false;
  combine(plan, thread, partials, thread.gradients);
  if (index == plan.numThreads - 1) thread.loss = addBatchLosses(plan, thread, thread.gradients, thread.loss);
  scoresToGradients(plan, thread);
  return true;
}

function addBatchLosses(plan: Plan, thread: Thread, scores: usize, loss: f64): f64 {
  return addLosses(loss, scores, thread.labels, thread.weights, thread.numRows, plan.squared != 0);
}

/**
 * Adds up the thread's partial scores.
 *
 * @param scores f32[B]: receives the scores of the batch's B rows
 * @returns the given sum of losses plus those of the batch
 */
export function scoreBatch(plan: Plan, thread: Thread, scores: usize, loss: f64): f64 {
  combine(plan, thread, thread.scorePartials, scores);
  return addBatchLosses(plan, thread, scores, loss);
}
