// Two towers: a user vector, computed from the user's items, scores items by dot products or cosines
// (docs/algorithms/two-tower.md).
//
//   x = (h_1 .. h_B | c_1 .. c_F)   h  weighted mean of the rows of a history's items
//                                   c  sum of x v over a context field
//   u = tower(x) [+ sum of the slots]; without a tower the sum of the slots
//   v = row of the item [+ tower(side fields)]
//   s = <u, v> + bias, or the cosine
//
// Source: Covington et al. 2016 (doi:10.1145/2959100.2959190); Yi et al. 2019 (doi:10.1145/3298689.3346996) for items
// by their features.
//
//   hold      every thread separately: samples the negatives, and lists the rows that the batch uses
//   compose   candidates divided among threads by sixteens      ──barrier──
//   score     256 events, divided by sixteens: users, scores, derivatives by users and inputs      ──barrier──
//   add       halves of the events, divided by eights of negatives: derivatives by items  ──barrier──, next 256 events
//   back      candidates divided by sixteens: derivatives by rows and side features      ──barrier──
//   step      dimensions divided by slices: one step of every row; dense layers by eight outputs      ──barrier──
//
// Every number is computed by one thread, in a fixed order, so the bytes do not depend on the number of threads.
// Twin: ../two-tower.reference.ts.

import { barrier } from "../../shared/assembly/barrier";
import { BLOCK, lastLayer, layerAt } from "../../shared/assembly/dense/layers";
import { backward, drawKeys } from "../../shared/assembly/dense/passes";
import { stepOutputs } from "../../shared/assembly/dense/weights";
import { clearShared, drawShared } from "../../shared/assembly/negatives";
import { draw, permute } from "../../shared/assembly/random";
import { composeCandidates, composeItems, divideByLength, itemsBackward, writeGradients } from "./items";
import { PART, Plan, Thread, Users } from "./plan";
import { addRows, holdRows, releaseRows, stepBiases, stepRows, zeroRows } from "./rows";
import { addToNegatives, scoreFour } from "./scores";
import { composeUsers, readPanels, rowBytes } from "./users";

function shareOf(count: u32, n: u32, T: u32): u32 {
  return <u32>((<u64>count * n) / T);
}

/**
 * Computes users, scores and losses of a block of events, and the derivatives down to the users' inputs.
 *
 * @param r index of the block's first event among the PART events
 */
function trainBlock(
  plan: Plan,
  thread: Thread,
  events: usize,
  r: u32,
  numEvents: u32,
  place: u32,
  epoch: u32,
  inEpoch: u32,
): void {
  const b = plan.batch;
  const bytes = rowBytes(plan);
  const count = min(BLOCK, numEvents - r);
  const users = b.users + <usize>r * bytes;
  const those = events + ((<usize>r) << 2);
  if (plan.userTower) drawKeys(plan.userTower, thread.userKeys, epoch, inEpoch + r);
  composeUsers(
    plan,
    plan.training,
    those,
    count,
    plan.items,
    thread.inputs,
    thread.userScratch,
    thread.userKeys,
    users,
  );
  // users beyond the last have zero vectors
  if (count < BLOCK) memory.fill(users + <usize>count * bytes, 0, <usize>(BLOCK - count) * bytes);
  for (let i: u32 = 0; i < count; i++) {
    const scale = plan.cosine ? divideByLength(users + <usize>i * bytes, bytes) : 1;
    store<f32>(b.userScales + ((<usize>(r + i)) << 2), scale);
  }
  for (let i: u32 = 0; i < count; i += 4) scoreFour(plan, thread, events, r + i, numEvents, place);
  if (!plan.userTower) return;

  const first = layerAt(plan.userTower, 0);
  const last = lastLayer(plan.userTower);
  const gradients = b.userGradients + <usize>(place + r) * bytes;
  writeGradients(thread.userScratch + last.dy, last.outputs, gradients, bytes, count);
  backward(plan.userTower, thread.userScratch, thread.userKeys, place + r, true);
  const pitch = (<usize>plan.userPitch) << 2;
  const target = b.inputGradients + <usize>(place + r) * pitch;
  readPanels(thread.userScratch + first.dx, first.inputs, target, pitch);
  if (!plan.skip) return;
  const numSlots = plan.training.numHistories + plan.training.context.numFields;
  for (let i: usize = 0; i < count; i++) {
    for (let s: usize = 0; s < numSlots; s++) {
      for (let d: usize = 0; d < plan.dim; d++) {
        const at = target + i * pitch + ((s * plan.dim + d) << 2);
        store<f32>(at, load<f32>(at) + load<f32>(gradients + i * bytes + (d << 2)));
      }
    }
  }
}

/**
 * Adds this thread's part of the derivatives by negatives. Threads divide the groups of eight, once for each half of
 * the PART events.
 */
function addPart(plan: Plan, thread: Thread, index: u32, numEvents: u32): void {
  const T = plan.numThreads;
  const eights = thread.numShared >>> 3;
  const cut = shareOf((numEvents + BLOCK - 1) / BLOCK, 1, 2) * BLOCK;
  const from = shareOf(2 * eights, index, T);
  const to = shareOf(2 * eights, index + 1, T);
  if (from < eights) addToNegatives(plan, thread, 0, from << 3, min(to, eights) << 3, 0, cut);
  if (to > eights) {
    addToNegatives(plan, thread, 1, (max(from, eights) - eights) << 3, (to - eights) << 3, cut, numEvents);
  }
}

/**
 * Trains on a block of events; every thread calls it for the same blocks in the same order.
 *
 * @param index    index of this thread, 0 .. T-1; thread 0 updates the biases, thread T-1 adds up the losses
 * @param first    first event of the block, which has numEvents, at most 4,096
 * @param key      random key of the block's permutation; 0 visits the events in their order in memory
 * @param epochKey random key of the epoch's negatives
 * @param epoch    number of the epoch, which selects the dropped units
 * @returns false when the pool is stopping
 */
export function trainEvents(
  plan: Plan,
  thread: Thread,
  index: u32,
  first: u32,
  numEvents: u32,
  key: u32,
  epochKey: u32,
  epoch: u32,
  learningRate: f32,
): bool {
  const T = plan.numThreads;
  const fromSlice = shareOf(plan.numSlices, index, T);
  const toSlice = shareOf(plan.numSlices, index + 1, T);
  const moves = index == 0 && plan.biases != 0;
  thread.learningRate = learningRate;
  // every thread writes the learning rate, with the same value
  if (plan.userTower) plan.userTower.learningRate = learningRate;
  if (plan.itemTower) plan.itemTower.learningRate = learningRate;
  if (key) permute(thread.order, numEvents, key);
  for (let i: u32 = 0; i < numEvents; i++) {
    const at = thread.order + ((<usize>i) << 2);
    store<u32>(at, first + (key ? load<u32>(at) : i));
  }
  for (let from: u32 = 0; from < numEvents; from += plan.batchSize) {
    const size = min(plan.batchSize, numEvents - from);
    const events = thread.order + ((<usize>from) << 2);
    const numCandidates = plan.numNegatives + size;

    // the negatives' random key is derived from the number of the batch's first event
    drawShared(plan, thread, draw(epochKey, load<u32>(events)), events, size);
    holdRows(plan, thread, events, size, numCandidates);
    zeroRows(plan, thread, fromSlice, toSlice, moves);
    const sixteens = (numCandidates + BLOCK - 1) / BLOCK;
    const toSixteen = shareOf(sixteens, index + 1, T);
    for (let c = shareOf(sixteens, index, T); c < toSixteen; c++) {
      composeCandidates(plan, thread, events, c * BLOCK, numCandidates);
    }
    if (!barrier(plan.barrier, T)) return false;

    for (let place: u32 = 0; place < size; place += PART) {
      const part = min(PART, size - place);
      const those = events + ((<usize>place) << 2);
      const blocks = (part + BLOCK - 1) / BLOCK;
      const toBlock = shareOf(blocks, index + 1, T);
      for (let g = shareOf(blocks, index, T); g < toBlock; g++) {
        trainBlock(plan, thread, those, g * BLOCK, part, place, epoch, first + from + place);
      }
      if (!barrier(plan.barrier, T)) return false;

      if (index == T - 1) {
        for (let r: usize = 0; r < part; r++) thread.loss += <f64>load<f32>(plan.batch.losses + (r << 2));
      }
      addPart(plan, thread, index, part);
      if (!barrier(plan.barrier, T)) return false;
    }

    for (let c = shareOf(sixteens, index, T); c < toSixteen; c++) {
      itemsBackward(plan, thread, events, c * BLOCK, numCandidates);
    }
    if (index == 0) store<u32>(plan.batch.counter, 0);
    if (!barrier(plan.barrier, T)) return false;

    addRows(plan, thread, events, size, numCandidates, fromSlice, toSlice);
    stepRows(plan, thread, fromSlice, toSlice);
    if (moves) stepBiases(plan, thread, events, numCandidates);
    thread.steps++;
    stepTowers(plan, thread, size, numCandidates);
    releaseRows(thread);
    clearShared(thread);
    if (!barrier(plan.barrier, T)) return false;
  }
  return true;
}

/** Any thread may process any eight outputs. */
function stepTowers(plan: Plan, thread: Thread, numUsers: u32, numItems: u32): void {
  let first: u32 = 0;
  let part = atomic.add<u32>(plan.batch.counter, 1);
  if (plan.userTower) {
    while (stepOutputs(plan.userTower, thread.tiles, part - first, numUsers, thread.steps, 1)) {
      part = atomic.add<u32>(plan.batch.counter, 1);
    }
    for (let l: u32 = 0; l < plan.userTower.numLayers; l++) first += layerAt(plan.userTower, l).outputs >>> 3;
  }
  if (!plan.itemTower) return;
  while (stepOutputs(plan.itemTower, thread.tiles, part - first, numItems, thread.steps, 1)) {
    part = atomic.add<u32>(plan.batch.counter, 1);
  }
}

/**
 * Writes the vectors of users first .. first + numUsers - 1, normalized if scores are cosines; any thread may process
 * any users.
 *
 * @param target f32[][D]: target[r] is the vector of user r
 */
export function encodeUsers(
  plan: Plan,
  thread: Thread,
  users: Users,
  first: u32,
  numUsers: u32,
  target: usize,
): void {
  const bytes = rowBytes(plan);
  for (let from: u32 = 0; from < numUsers; from += BLOCK) {
    const count = min(BLOCK, numUsers - from);
    for (let r: u32 = 0; r < count; r++) store<u32>(thread.order + ((<usize>r) << 2), first + from + r);
    composeUsers(plan, users, thread.order, count, 0, thread.inputs, thread.userScratch, 0, thread.packed);
    put(plan, thread, count, target + <usize>(first + from) * bytes);
  }
}

/** Writes the vectors of items first .. first + numItems - 1, normalized if scores are cosines. */
export function encodeItems(plan: Plan, thread: Thread, first: u32, numItems: u32, target: usize): void {
  const bytes = rowBytes(plan);
  for (let from: u32 = 0; from < numItems; from += BLOCK) {
    const count = min(BLOCK, numItems - from);
    for (let r: u32 = 0; r < count; r++) store<u32>(thread.order + ((<usize>r) << 2), first + from + r);
    composeItems(plan, thread, thread.order, count, thread.packed);
    put(plan, thread, count, target + <usize>(first + from) * bytes);
  }
}

/** Copies the vectors of a block; normalizes them if scores are cosines. */
function put(plan: Plan, thread: Thread, count: u32, target: usize): void {
  const bytes = rowBytes(plan);
  for (let r: u32 = 0; r < count; r++) {
    if (plan.cosine) divideByLength(thread.packed + <usize>r * bytes, bytes);
  }
  memory.copy(target, thread.packed, <usize>count * bytes);
}
