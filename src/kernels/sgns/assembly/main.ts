// Skip-gram with negative sampling over a stream of sessions (docs/algorithms/item2vec.md), sliced by dimensions: threads exchange
// one partial score a pair and slice, so that the vectors are the same bytes at any number of threads.
//
//   log logistic(h_w . z_c) for each context c of a centre w, plus log logistic(-h_w . z_n) for noise n
//
// Centres of a group share their noise, and neighbours share their contexts: scores and gradients are small products of matrices,
// banded along the stream. A row takes one step a batch, on the sum of its gradients: steps of their own would fail where a
// batch holds a row often (graphs' hubs, small catalogues). Session ends mask the band.
// A centre may be composed of rows that others share (composed.ts).
// Beside the band a centre may meet rows of its own (pairs.ts): what its session led to, what was rejected, rows of its market.
//
// Structs and shapes: plan.ts. Twin: ../sgns.reference.ts. Source: Mikolov et al. 2013 (arXiv:1310.4546), eq. 4.

import { barrier } from "../../shared/assembly/barrier";
import { featureKey, firstValue } from "../../shared/assembly/initial";
import { closeBatch, openBatch } from "./batch";
import { composeSlice, moveAttention, openParts } from "./composed";
import { scoresToGradients } from "./gradients";
import { openPairs, pairsToGradients, scorePairs } from "./pairs";
import { BLOCK, blocksOf, hasOneTable, LINE, Plan, R, SL, Thread } from "./plan";
import { scoreSlice, updateSlice } from "./slice";

/**
 * Trains on batches fromBatch .. toBatch of the stream, this thread's slices; every thread calls it for the same batches in the
 * same order.
 *
 * One barrier a batch, and a second where attention is learned: the next forward of a slice reads only what this thread has just
 * written.
 *
 * @param index which thread, 0 .. T-1
 * @param key   names the epoch's noise
 * @param from,to the learning rate at the stream's first position and at its end; linear between
 * @returns false when the pool is stopping
 */
export function trainBatches(
  plan: Plan,
  thread: Thread,
  index: u32,
  fromBatch: u32,
  toBatch: u32,
  key: u32,
  from: f64,
  to: f64,
): bool {
  const fromSlice = (index * plan.numSlices) / plan.numThreads;
  const toSlice = ((index + 1) * plan.numSlices) / plan.numThreads;
  const sliceBytes = <usize>(R >>> 2) * <usize>blocksOf(plan) * BLOCK;
  for (let batch = fromBatch; batch < toBatch; batch++) {
    // partials alternate, so that a fast thread's next batch does not overwrite what a slow one still reads
    const parity: usize = thread.batchNumber++ & 1;
    const partials = plan.partials + parity * plan.numSlices * sliceBytes;
    const pairPartials = plan.pairPartials + ((parity * plan.numSlices * plan.mostPairs) << 2);
    openBatch(plan, thread, batch, key);
    if (plan.mostPairs) openPairs(plan, thread, batch, key);
    if (plan.mostParts) openParts(plan, thread);

    // each slice's part of the scores
    for (let j = fromSlice; j < toSlice; j++) {
      if (plan.mostParts) composeSlice(plan, thread, j);
      scoreSlice(plan, thread, j, partials + <usize>j * sliceBytes);
      if (plan.mostPairs) scorePairs(plan, thread, j, pairPartials + ((<usize>(j * plan.mostPairs)) << 2));
    }
    if (!barrier(plan.barrier, plan.numThreads)) return false;

    // every thread adds the parts up for itself
    const first = batch * R;
    scoresToGradients(plan, thread, index, first, partials);
    if (plan.mostPairs) pairsToGradients(plan, thread, index, pairPartials);

    // one step for each row of the batch
    const lr = <f32>(from + ((to - from) * <f64>first) / <f64>plan.numTokens);
    for (let j = fromSlice; j < toSlice; j++) updateSlice(plan, thread, j, lr);
    if (plan.attends) {
      if (!barrier(plan.barrier, plan.numThreads)) return false;
      moveAttention(plan, thread, lr);
    }
    closeBatch(thread);
  }
  return true;
}

/**
 * Draws slice j's first centres, uniform in [-spread, spread) by a hash of (seed, row's hash, dimension); contexts are 0, AdaGrad's
 * sums 1. In one table, contexts are the centres.
 *
 * @param hashes u32[V][2]: names of the rows that no new vocabulary changes
 */
export function initialise(plan: Plan, j: u32, hashes: usize, seed: u32, spread: f32): void {
  const V = <usize>plan.numRows;
  let v = plan.centres + <usize>j * V * LINE;
  for (let row: usize = 0; row < V; row++, v += LINE) {
    const key = featureKey(seed, hashes + (row << 3));
    for (let d: u32 = 0; d < SL; d++) {
      const dimension = j * SL + d;
      store<f32>(v + ((<usize>d) << 2), dimension < plan.dim ? firstValue(key, dimension, spread) : 0);
    }
    const sum = (<usize>j * V + row) << 2;
    store<f32>(plan.centreSquares + sum, 1);
    store<f32>(plan.contextSquares + sum, 1);
  }
  if (!hasOneTable(plan)) memory.fill(plan.contexts + <usize>j * V * LINE, 0, V * LINE);
}
