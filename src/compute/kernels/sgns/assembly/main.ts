// Skip-gram with negative sampling over a stream of sessions (docs/algorithms/item2vec.md), divided by dimensions: for
// each pair, every thread writes one partial score, and one thread its gradient. The vectors are the same bytes at any
// number of threads.
//
//   log logistic(h_w . z_c) for each context c of a centre w, plus log logistic(-h_w . z_n) for noise n
//
// The centres of a group share their noise, and adjacent centres share contexts: scores and gradients are small matrix
// products, banded along the stream. A row takes one step per batch, on the sum of its gradients, since separate steps
// would diverge if a row occurs often in a batch (hubs of graphs, small catalogs). Pairs that cross the end of a
// session are masked. A centre may be composed of rows that it shares with others (composed.ts), and may have contexts
// in addition to those in its window (pairs.ts): outcomes and rejections of its session, rows of its market.
//
// Structs and shapes: plan.ts. Twin: ../sgns.reference.ts. Source: Mikolov et al. 2013 (arXiv:1310.4546), eq. 4.

import { barrier } from "../../shared/assembly/barrier";
import { featureKey, firstValue } from "../../shared/assembly/random";
import { closeBatch, openBatch } from "./batch";
import { composeSlice, moveAttention, openParts, shareParts } from "./composed";
import { scoresToGradients } from "./gradients";
import { numPairs, openPairs, pairsToGradients, scorePairs } from "./pairs";
import {
  B,
  BatchRows,
  batchRows,
  BLOCK,
  blocksOf,
  CALL,
  hasOneTable,
  LINE,
  Plan,
  R,
  SL,
  Thread,
} from "./plan";
import { scoreSlice, updateSlice } from "./slice";
import { addAll, firstSlice, middle } from "./sums";

function scoreBytes(plan: Plan): usize {
  return <usize>(R >>> 2) * <usize>blocksOf(plan) * BLOCK;
}

/** Opens this thread's batches, every T-th of a call. @param set which of the two sets of BatchRows to write */
function openBatches(
  plan: Plan,
  thread: Thread,
  index: u32,
  set: u32,
  fromBatch: u32,
  toBatch: u32,
  key: u32,
): void {
  for (let batch = fromBatch + index; batch < toBatch; batch += plan.numThreads) {
    const rows = batchRows(plan, set, batch - fromBatch);
    openBatch(plan, thread, rows, batch, key);
    if (plan.mostPairs) openPairs(plan, thread, rows, batch, key);
    if (plan.mostParts) openParts(plan, thread, rows);
    closeBatch(thread, rows);
  }
}

/** Adds the partial scores of slice j to those of slice `to`; overwrites them if `to` is j itself. */
function score(plan: Plan, thread: Thread, rows: BatchRows, j: u32, to: u32): void {
  const adds = to != j;
  if (plan.mostParts) composeSlice(plan, thread, rows, j);
  scoreSlice(plan, thread, rows, j, plan.partials + <usize>to * scoreBytes(plan), adds);
  if (plan.mostPairs) scorePairs(plan, rows, j, pairPartials(plan, to), adds);
}

function pairPartials(plan: Plan, j: u32): usize {
  return plan.pairPartials + ((<usize>(j * plan.mostPairs)) << 2);
}

/** Scores the thread's own slices among lo .. hi - 1; if all are its own, adds them up (sums.ts). */
function scoreSlices(
  plan: Plan,
  thread: Thread,
  rows: BatchRows,
  lo: u32,
  hi: u32,
  from: u32,
  to: u32,
): void {
  if (hi <= from || to <= lo) return;
  if (hi - lo == 1) return score(plan, thread, rows, lo, lo);
  const mid = middle(lo, hi);
  const hasAll = from <= lo && hi <= to;
  scoreSlices(plan, thread, rows, lo, mid, from, to);
  if (hasAll && hi - mid == 1) return score(plan, thread, rows, mid, lo);
  scoreSlices(plan, thread, rows, mid, hi, from, to);
  if (!hasAll) return;
  const bytes = scoreBytes(plan);
  addAll(plan.partials + <usize>lo * bytes, plan.partials + <usize>mid * bytes, bytes);
  // pairs whose context is outside of the window are in groups, each padded to a multiple of four pairs
  if (plan.mostPairs) addAll(pairPartials(plan, lo), pairPartials(plan, mid), (<usize>numPairs(rows)) << 2);
}

/**
 * Trains on batches fromBatch .. toBatch of the stream, at most CALL of them from a multiple of CALL on; every thread
 * calls it for the same batches in the same order.
 *
 *   list        the batches' rows, divided by batches     ──barrier──, then for each batch
 *   score       slices                                    ──barrier──
 *   gradients   row blocks; pairs by groups               ──barrier──
 *   update      slices                                    ──barrier── if attention is learned
 *
 * There is no barrier before the next scores, because a slice's vectors are read only by the thread that wrote them.
 *
 * @param index index of this thread, 0 .. T-1
 * @param key   random key of the epoch's noise
 * @param from,to learning rate at the stream's first position and at its end; linear between
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
  const T = plan.numThreads;
  const set = (fromBatch / CALL) & 1;
  const fromSlice = firstSlice(plan, index);
  const toSlice = firstSlice(plan, index + 1);
  openBatches(plan, thread, index, set, fromBatch, toBatch, key);
  if (!barrier(plan.barrier, T)) return false;
  for (let batch = fromBatch; batch < toBatch; batch++) {
    const rows = batchRows(plan, set, batch - fromBatch);
    if (plan.mostParts) shareParts(plan, thread, rows);
    scoreSlices(plan, thread, rows, 0, plan.numSlices, fromSlice, toSlice);
    if (!barrier(plan.barrier, T)) return false;

    const first = batch * R;
    scoresToGradients(plan, thread, first, (index * (R >>> 2)) / T, ((index + 1) * (R >>> 2)) / T);
    if (plan.mostPairs) pairsToGradients(plan, thread, rows, (index * B) / T, ((index + 1) * B) / T);
    if (!barrier(plan.barrier, T)) return false;

    // updates every row of the batch by one step
    const lr = <f32>(from + ((to - from) * <f64>first) / <f64>plan.numTokens);
    for (let j = fromSlice; j < toSlice; j++) updateSlice(plan, thread, rows, j, lr);
    if (plan.attends) {
      if (!barrier(plan.barrier, T)) return false;
      moveAttention(plan, thread, rows, lr);
    }
  }
  return true;
}

/**
 * Draws the initial centres of slice j, uniform in [-spread, spread) by a hash of (seed, row's hash, dimension);
 * contexts are set to 0, and AdaGrad's sums to 1. With one table, contexts are the centres.
 *
 * @param hashes u32[V][2]: hash of each row's key, which is the same in every vocabulary
 */
export function initialize(plan: Plan, j: u32, hashes: usize, seed: u32, spread: f32): void {
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
