// An upper network: one step on a batch, and scores. Shapes and what a network is: ../shape.ts. Twin: ../reference.ts.
//
//   rows, a block of 16 at a time          barrier    parameters, a part at a time                              barrier
//   gather → forward → loss → backward  ────────────► dW and Adam of 8 outputs │ embeddings of a part │ wide  ─────────►
//   each block leaves x and dz of its rows            sums run over all rows of the batch in their order
//
// Threads take blocks and parts as they come: a block writes what is its rows' alone, a part what is its parameters' alone, so
// the bytes do not depend on who took what. Structs are in plan.ts, written by ../binding.ts.

import { addLosses, logisticGradient4 } from "../../shared/assembly/loss";
import { barrier } from "../../shared/assembly/barrier";
import { activate, deactivate, dropoutKeys } from "./activation";
import { backwardDense, forwardDense } from "./dense";
import { stepEmbeddings } from "./embeddings";
import { gatherPanel, scatterSlopes } from "./gather";
import { sortPairs } from "./parts";
import { BLOCK, firstPair, layerAt, NetPlan, NetRows, NetThread, NONE, PANELS, PARTS } from "./plan";
import { touchRows } from "./touch";
import { packInputs, packSlopes, stepBias, stepWeights } from "./weights";
import { stepWide, wideScore } from "./wide";

/** Takes the next number of a counter. */
function take(counter: usize): u32 {
  return atomic.add<u32>(counter, 1);
}

/** Keys of the layer's dropout for the block's rows, behind all panels of the scratch. */
function keysOf(plan: NetPlan, thread: NetThread, l: u32): usize {
  return thread.keys + ((<usize>(l * BLOCK)) << 2);
}

/** Through all layers; z of the last one is the dense part of the score. @param trains whether units are dropped */
function forward(plan: NetPlan, thread: NetThread, trains: bool): void {
  for (let l: u32 = 0; l < plan.numLayers; l++) {
    const layer = layerAt(plan, l);
    forwardDense(layer, thread.scratch);
    activate(plan, layer, thread.scratch, trains && layer.dropped ? keysOf(plan, thread, l) : 0);
  }
}

/** Writes the panels of a block's rows. @param firstOfBatch the batch's first pair; NONE when it is not learned from */
function gather(
  plan: NetPlan,
  thread: NetThread,
  rows: NetRows,
  row: u32,
  numRows: u32,
  place: u32,
  firstOfBatch: u32,
): void {
  const first = layerAt(plan, 0);
  const bytes = (<usize>first.inputs) << 5;
  touchRows(plan, thread, rows, row, numRows);
  for (let p: u32 = 0; p < PANELS; p++) {
    const from = p << 3;
    const count = numRows > from ? min(<u32>8, numRows - from) : 0;
    const panel = thread.scratch + first.x + <usize>p * bytes;
    gatherPanel(plan, thread, rows, row + from, count, place + from, firstOfBatch, panel, first.inputs);
  }
}

/** Adds the wide part to the scores of a block. @param scores f32, a panel's eight at scores + p * stride */
function addWide(plan: NetPlan, rows: NetRows, row: u32, numRows: u32, scores: usize, stride: usize): void {
  if (plan.wide == 0) return;
  for (let r: u32 = 0; r < numRows; r++) {
    const at = scores + <usize>(r >>> 3) * stride + ((<usize>(r & 7)) << 2);
    store<f32>(at, load<f32>(at) + wideScore(plan, rows, row + r));
  }
}

/** Writes dLoss/dscore of eight rows, 0 beyond the last. */
function scoreSlopes(
  plan: NetPlan,
  rows: NetRows,
  row: u32,
  numRows: u32,
  scores: usize,
  slopes: usize,
): void {
  for (let r: u32 = 0; r < 8; r += 4) {
    const at = (<usize>(row + r)) << 2;
    const s = v128.load(scores + ((<usize>r) << 2));
    const y = v128.load(rows.labels + at);
    let g = plan.squared ? f32x4.sub(s, y) : logisticGradient4(s, y);
    if (rows.weights) g = f32x4.mul(g, v128.load(rows.weights + at));
    // what lies beyond the rows may be anything
    const left = numRows > r ? numRows - r : 0;
    g = v128.and(g, i32x4.lt_u(i32x4(0, 1, 2, 3), i32x4.splat(left)));
    v128.store(slopes + ((<usize>r) << 2), g);
  }
}

/** Writes the derivatives by the score to those of the last layer's first unit. @returns sum of the losses */
function lossOf(plan: NetPlan, thread: NetThread, rows: NetRows, row: u32, numRows: u32, place: u32): f64 {
  const last = layerAt(plan, plan.numLayers - 1);
  const bytes = (<usize>last.outputs) << 5;
  const scores = thread.scratch + last.y;
  const slopes = thread.scratch + last.dy;
  memory.fill(slopes, 0, <usize>PANELS * bytes);
  addWide(plan, rows, row, numRows, scores, bytes);
  let loss: f64 = 0;
  for (let p: u32 = 0; p < PANELS; p++) {
    const from = p << 3;
    const count = numRows > from ? min(<u32>8, numRows - from) : 0;
    const s = scores + <usize>p * bytes;
    const g = slopes + <usize>p * bytes;
    scoreSlopes(plan, rows, row + from, count, s, g);
    memory.copy(plan.scoreSlopes + ((<usize>(place + from)) << 2), g, 32);
    const at = (<usize>(row + from)) << 2;
    const weights = rows.weights ? rows.weights + at : 0;
    loss = addLosses(loss, s, rows.labels + at, weights, count, plan.squared != 0);
  }
  return loss;
}

/** Back through all layers; keeps what their parameters' steps need. */
function backward(plan: NetPlan, thread: NetThread, place: u32): void {
  for (let l = <i32>plan.numLayers - 1; l >= 0; l--) {
    const layer = layerAt(plan, l);
    const scratch = thread.scratch;
    deactivate(plan, layer, scratch, layer.dropped ? keysOf(plan, thread, l) : 0);
    for (let p: u32 = 0; p < PANELS; p++) {
      packInputs(
        layer,
        scratch + layer.x + ((<usize>(p * layer.inputs)) << 5),
        plan.batchPitch,
        place + (p << 3),
      );
      packSlopes(
        layer,
        scratch + layer.dy + ((<usize>(p * layer.outputs)) << 5),
        plan.batchPitch,
        place + (p << 3),
      );
    }
    // a frozen table needs no derivatives
    if (l > 0 || plan.embeddingLearningRate > 0) backwardDense(layer, scratch);
  }
}

/** One block of the batch. @param row of `rows`, @param place in the batch, of its first row */
function trainRows(
  plan: NetPlan,
  thread: NetThread,
  rows: NetRows,
  row: u32,
  numRows: u32,
  place: u32,
  epoch: u32,
  inEpoch: u32,
): void {
  for (let l: u32 = 0; l < plan.numLayers; l++) {
    if (layerAt(plan, l).dropped) dropoutKeys(plan, epoch, l, inEpoch, keysOf(plan, thread, l));
  }
  gather(plan, thread, rows, row, numRows, place, firstPair(rows.indptr, rows.width, row - place));
  sortPairs(plan, rows, row - place, row, numRows, place / BLOCK);
  forward(plan, thread, true);
  const loss = lossOf(plan, thread, rows, row, numRows, place);
  store<f64>(plan.losses + ((<usize>(place / BLOCK)) << 3), loss);
  backward(plan, thread, place);
  if (!(plan.embeddingLearningRate > 0)) return;
  const first = layerAt(plan, 0);
  for (let p: u32 = 0; p < PANELS; p++) {
    const at = (<usize>(p * first.inputs)) << 5;
    const scratch = thread.scratch;
    scatterSlopes(plan, scratch + first.x + at, scratch + first.dx + at, place + (p << 3), first.inputs);
  }
}

/** One part of the parameters; false when there is no such part. */
function stepPart(
  plan: NetPlan,
  thread: NetThread,
  rows: NetRows,
  part: u32,
  first: u32,
  numRows: u32,
  t: u32,
): bool {
  const numBlocks = (numRows + BLOCK - 1) / BLOCK;
  if (plan.embeddingLearningRate > 0) {
    if (part < PARTS) {
      stepEmbeddings(plan, thread, rows, part, first, numBlocks);
      return true;
    }
    part -= PARTS;
    if (plan.w0) {
      if (part == 0) {
        stepBias(plan, numRows, t);
        return true;
      }
      part--;
    }
  }
  if (plan.wide) {
    if (part < PARTS) {
      stepWide(plan, rows, part, first, numRows, numBlocks);
      return true;
    }
    part -= PARTS;
  }
  for (let l: u32 = 0; l < plan.numLayers; l++) {
    const layer = layerAt(plan, l);
    if (part < layer.outputs >>> 3) {
      stepWeights(plan, thread, layer, part, numRows, t);
      return true;
    }
    part -= layer.outputs >>> 3;
  }
  return false;
}

/**
 * One step on a batch; every thread of the plan calls it for the same batches in the same order.
 *
 * @param index   which thread; thread 0 adds up the losses
 * @param first   the batch's first row in `rows`, of numRows
 * @param inEpoch its place in the epoch
 * @param t       the step's number, from 1
 * @returns false when the pool is stopping
 */
export function trainBatch(
  plan: NetPlan,
  thread: NetThread,
  index: u32,
  rows: NetRows,
  first: u32,
  numRows: u32,
  epoch: u32,
  inEpoch: u32,
  t: u32,
): bool {
  const blocksTaken = plan.counters;
  const partsTaken = plan.counters + 64;
  for (let place = take(blocksTaken) * BLOCK; place < numRows; place = take(blocksTaken) * BLOCK) {
    const count = min(BLOCK, numRows - place);
    trainRows(plan, thread, rows, first + place, count, place, epoch, inEpoch + place);
  }
  if (!barrier(plan.barrier, plan.numThreads)) return false;
  if (index == 0) {
    // nobody takes blocks between the barriers
    store<u32>(blocksTaken, 0);
    for (let b: usize = 0; b * BLOCK < numRows; b++) thread.loss += load<f64>(plan.losses + (b << 3));
  }
  while (stepPart(plan, thread, rows, take(partsTaken), first, numRows, t)) {}
  if (!barrier(plan.barrier, plan.numThreads)) return false;
  // and nobody takes parts before thread 0 has come to the next barrier
  if (index == 0) store<u32>(partsTaken, 0);
  return true;
}

/** Writes the scores of a block. @param row of `rows`, of its first row */
function scoreBlock(
  plan: NetPlan,
  thread: NetThread,
  rows: NetRows,
  row: u32,
  numRows: u32,
  scores: usize,
): void {
  const last = layerAt(plan, plan.numLayers - 1);
  const bytes = (<usize>last.outputs) << 5;
  gather(plan, thread, rows, row, numRows, 0, NONE);
  forward(plan, thread, false);
  const z = thread.scratch + last.y;
  addWide(plan, rows, row, numRows, z, bytes);
  for (let r: u32 = 0; r < numRows; r++) {
    const source = z + <usize>(r >>> 3) * bytes + ((<usize>(r & 7)) << 2);
    store<f32>(scores + ((<usize>(row + r)) << 2), load<f32>(source));
  }
}

/** Writes the scores of consecutive rows; any thread may score any rows. @param scores f32, row r's at scores[r] */
export function scoreRows(
  plan: NetPlan,
  thread: NetThread,
  rows: NetRows,
  first: u32,
  numRows: u32,
  scores: usize,
): void {
  for (let from: u32 = 0; from < numRows; from += BLOCK) {
    scoreBlock(plan, thread, rows, first + from, min(BLOCK, numRows - from), scores);
  }
}

/**
 * Writes the scores of consecutive rows, and x_(L-1), what the last layer reads of each; any thread may encode any rows.
 *
 * @param scores f32, row r's at scores[r]
 * @param hidden f32[][width], row r's at hidden[r]
 * @param width  units of x_(L-1), without padding
 */
export function encodeRows(
  plan: NetPlan,
  thread: NetThread,
  rows: NetRows,
  first: u32,
  numRows: u32,
  scores: usize,
  hidden: usize,
  width: u32,
): void {
  const last = layerAt(plan, plan.numLayers - 1);
  const bytes = (<usize>last.inputs) << 5;
  for (let from: u32 = 0; from < numRows; from += BLOCK) {
    const count = min(BLOCK, numRows - from);
    scoreBlock(plan, thread, rows, first + from, count, scores);
    for (let r: u32 = 0; r < count; r++) {
      const x = thread.scratch + last.x + <usize>(r >>> 3) * bytes + ((<usize>(r & 7)) << 2);
      const target = hidden + ((<usize>(first + from + r) * width) << 2);
      for (let u: usize = 0; u < width; u++) store<f32>(target + (u << 2), load<f32>(x + (u << 5)));
    }
  }
}
