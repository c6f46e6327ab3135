// Learning to rank: an event's item should score above items that its user lacks (docs/algorithms/ranking.md).
//
//   score(event, item) = sum of x w over the item's features + <p, q> + inner products of the item's own features
//   p, q               sums of x v over the event's context (user, ...) and over the item's features
//
// Structs and shapes: plan.ts; losses: pairs.ts, contrast.ts. Twin: ../ranking.reference.ts.

import { barrier } from "../../shared/assembly/barrier";
import { draw, featureKey, firstValue, permute } from "../../shared/assembly/random";
import { clearShared, drawShared } from "../../shared/assembly/negatives";
import { clearRows, numberRows, stepRows, stepRowWeights, zeroRows } from "./batch-rows";
import {
  addEvents,
  addEventWeights,
  addNegatives,
  addNegativeWeights,
  composeNegatives,
  scoreFour,
  zeroNegatives,
} from "./contrast";
import { drawCandidates } from "./draw";
import { propagateAll, propagateRows, stepLayers } from "./layers";
import {
  choosePairs,
  combinePairs,
  forwardPairs,
  forwardPairWeights,
  updatePairs,
  updatePairWeights,
} from "./pairs";
import { ADAGRAD, ADAM, B, BLOCK, K, Plan, Thread } from "./plan";
import { openSlices, tableAt, vectorOf } from "./vectors";

export { endRound, sortEvents, trainBlock } from "./strata";

/** Writes the events of a block in the order of training; key 0 keeps their order. */
function orderEvents(thread: Thread, first: u32, numRows: u32, key: u32): void {
  if (key) permute(thread.order, numRows, key);
  for (let i: u32 = 0; i < numRows; i++) {
    const at = thread.order + ((<usize>i) << 2);
    store<u32>(at, first + (key ? load<u32>(at) : i));
  }
}

/**
 * Trains on a block of events by BPR or WARP; every thread calls it for the same blocks in the same order.
 *
 * @param index    number of the thread, 0 .. T-1; the first updates the weights, the last sums the losses
 * @param numRows  at most 4,096
 * @param key of the block's permutation; 0 keeps the order of the events
 * @param epochKey key of the negatives
 * @returns false when the pool is stopping
 */
export function trainPairs(
  plan: Plan,
  thread: Thread,
  index: u32,
  first: u32,
  numRows: u32,
  key: u32,
  epochKey: u32,
): bool {
  const T = plan.numThreads;
  const M = plan.numNegatives;
  const fromSlice = (index * plan.numSlices) / T;
  const toSlice = ((index + 1) * plan.numSlices) / T;
  orderEvents(thread, first, numRows, key);

  // threads share the work of sampling the block's candidates; two buffers alternate, so that a fast thread does not
  // overwrite candidates that other threads still read
  const blockParity: usize = thread.blockNumber++ & 1;
  const candidates = plan.candidates + ((blockParity * BLOCK * (M + 2)) << 2);
  drawCandidates(
    plan,
    thread.order,
    (index * numRows) / T,
    ((index + 1) * numRows) / T,
    epochKey,
    candidates,
  );
  if (!barrier(plan.barrier, T)) return false;

  const numbers = B * (M + 1);
  for (let from: u32 = 0; from < numRows; from += B) {
    const size = min(B, numRows - from);
    const events = thread.order + ((<usize>from) << 2);
    const drawn = candidates + ((<usize>from * (M + 2)) << 2);
    const parity: usize = thread.batchNumber++ & 1;
    const partials = plan.partials + ((parity * (plan.numSlices + 1) * numbers) << 2);

    // each thread computes the parts of the scores for its slices
    for (let i: u32 = 0; i < plan.numTables; i++) {
      const own = openSlices(thread, tableAt(plan, i), fromSlice, toSlice);
      if (own) forwardPairs(plan, thread, drawn, size, partials);
    }
    if (index == 0) {
      forwardPairWeights(plan, drawn, size, partials + ((<usize>plan.numSlices * numbers) << 2));
    }
    if (!barrier(plan.barrier, T)) return false;

    // every thread chooses the negatives itself, with the same result
    combinePairs(plan, partials, thread.scores);
    const counts = index == T - 1;
    const loss = choosePairs(plan, thread, events, drawn, size, epochKey, counts);
    if (counts) thread.loss += loss;

    // takes one step per feature of each pair
    for (let i: u32 = 0; i < plan.numTables; i++) {
      const own = openSlices(thread, tableAt(plan, i), fromSlice, toSlice);
      if (own) updatePairs(plan, thread, drawn, size);
    }
    if (index == 0) updatePairWeights(plan, thread, drawn, size);
  }
  return true;
}

/**
 * Trains on a block of events by sampled softmax or CCL; every thread calls it for the same blocks in the same order.
 *
 * Parameters and results are documented at `trainPairs`.
 */
export function trainContrast(
  plan: Plan,
  thread: Thread,
  index: u32,
  first: u32,
  numRows: u32,
  key: u32,
  epochKey: u32,
  learningRate: f32,
): bool {
  const T = plan.numThreads;
  const fromSlice = (index * plan.numSlices) / T;
  const toSlice = ((index + 1) * plan.numSlices) / T;
  // a single thread updates the weights; if scores are cosines, there are no weights to update
  const weighs = index == 0 && !plan.cosine;
  thread.learningRate = learningRate;
  orderEvents(thread, first, numRows, key);
  for (let from: u32 = 0; from < numRows; from += plan.batchSize) {
    const size = min(plan.batchSize, numRows - from);
    const events = thread.order + ((<usize>from) << 2);

    // the index of the batch's first event is the key from which the negatives are sampled
    drawShared(plan, thread, draw(epochKey, load<u32>(events)), events, size);
    numberRows(plan, thread, events, size);
    zeroRows(plan, thread, fromSlice, toSlice, weighs);
    zeroNegatives(plan, thread, fromSlice, toSlice);
    if (plan.through) {
      propagateRows(plan, thread, fromSlice, toSlice);
      if (!barrier(plan.barrier, T)) return false;
    }
    const eights = thread.numShared >>> 3;
    composeNegatives(plan, thread, ((index * eights) / T) << 3, (((index + 1) * eights) / T) << 3);
    if (!barrier(plan.barrier, T)) return false;

    for (let at: u32 = 0; at < size; at += B) {
      const part = min(B, size - at);
      const those = events + ((<usize>at) << 2);
      // computes scores and gradients of four events at a time
      const groups = (part + 3) >>> 2;
      const toGroup = ((index + 1) * groups) / T;
      for (let g = (index * groups) / T; g < toGroup; g++) scoreFour(plan, thread, those, g << 2, part);
      if (!barrier(plan.barrier, T)) return false;

      if (index == T - 1) {
        for (let r: usize = 0; r < part; r++) thread.loss += <f64>load<f32>(plan.contrast.losses + (r << 2));
      }
      addEvents(plan, thread, those, part, fromSlice, toSlice);
      if (weighs) addEventWeights(plan, thread, those, part);
      if (!barrier(plan.barrier, T)) return false;
    }

    // takes one step for each feature of the batch
    addNegatives(plan, thread, fromSlice, toSlice);
    if (weighs) addNegativeWeights(plan, thread);
    if (plan.through) stepLayers(plan, thread, fromSlice, toSlice);
    else stepRows(plan, thread, fromSlice, toSlice);
    if (weighs) stepRowWeights(plan, thread);
    clearRows(plan, thread, events, size);
    clearShared(thread);
    if (!barrier(plan.barrier, T)) return false;
  }
  return true;
}

/** Writes the propagated vectors. Every thread calls it and computes its own slices. */
export function propagateVectors(plan: Plan, thread: Thread, index: u32): void {
  const T = plan.numThreads;
  propagateAll(plan, thread, (index * plan.numSlices) / T, ((index + 1) * plan.numSlices) / T);
}

/**
 * Draws the first v of features from .. to, uniform in [-spread, spread) by a hash of (seed, feature's hash,
 * dimension). It sets w to 0, every accumulator of AdaGrad to `accumulator`, and Adam's state to 0. The vector of a
 * feature without training events is 0 and stays 0.
 *
 * @param hashes u32[n][2]: hashes of the features' names, which do not depend on the vocabulary
 * @param counts u32[n]: number of training events with each feature
 */
export function initialize(
  plan: Plan,
  thread: Thread,
  from: u32,
  to: u32,
  hashes: usize,
  counts: usize,
  seed: u32,
  spread: f32,
  accumulator: f32,
): void {
  const first: f32 = plan.method == ADAM ? 0 : accumulator;
  if (plan.moments)
    memory.fill(plan.moments + <usize>from * plan.momentStride, 0, <usize>(to - from) * plan.momentStride);
  for (let i = <usize>from; i < <usize>to; i++) {
    const key = featureKey(seed, hashes + (i << 3));
    const trained = load<u32>(counts + (i << 2)) != 0;
    for (let table: u32 = 0; table < plan.numTables; table++) {
      openSlices(thread, tableAt(plan, table), 0, plan.numSlices);
      const v = vectorOf(thread, <u32>i);
      for (let j = thread.fromSlice; j < thread.toSlice; j++) {
        if (plan.method == ADAGRAD) store<f32>(v + thread.squares + ((<usize>j) << 2), first);
        for (let d = j * K; d < (j + 1) * K; d++) {
          store<f32>(v + ((<usize>d) << 2), trained && d < plan.dim ? firstValue(key, d, spread) : 0);
        }
      }
    }
    const w = plan.weights + i * plan.weightStride;
    store<f32>(w, 0);
    for (let at: usize = 4; at < plan.weightStride; at += 4) store<f32>(w + at, first);
  }
}
