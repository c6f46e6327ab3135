// A network: training steps on batches, and scores. ../shape.ts defines the network and its shapes. Twin:
// ../net.reference.ts.
//
//   rows, a block of 16 at a time          barrier    parameters, a part at a time                           barrier
//   gather → forward → loss → backward  ────────────► dW and Adam of 8 outputs │ embeddings of a part │ wide ───────►
//   each block stores x and dz of its rows            sums run over all rows of the batch in their order
//
// With clipNorm, the squared length of each part's gradients is computed first. After one more barrier, every thread
// adds up their squared lengths in the order of the parts. The sums are computed again when parts take their steps,
// which needs less memory than storing them.
//
// Threads take blocks and parts dynamically. A block writes only data of its rows, a part only its parameters, so the
// bytes do not depend on the assignment. Structs are in plan.ts, written by ../binding.ts.

import { barrier } from "../../shared/assembly/barrier";
import { BLOCK, lastLayer, layerAt, NONE, PANELS } from "../../shared/assembly/dense/layers";
import { backward, drawKeys, forward } from "../../shared/assembly/dense/passes";
import { squaresOfOutputs, stepOutputs } from "../../shared/assembly/dense/weights";
import { addLosses, lossGradient4 } from "../../shared/assembly/loss";
import { firstPair } from "../../shared/assembly/rows";
import { adam4, firstCorrection, secondCorrection } from "../../shared/assembly/steps";
import { addTo, firstLanes } from "../../shared/assembly/vector";
import { eachEmbedding } from "./embeddings";
import { gatherPanel, scatterGradients, touchRows } from "./gather";
import { sortPairs } from "./parts";
import { MEASURE, NetPlan, NetRows, NetThread, PARTS } from "./plan";
import { eachWeight, wideScore } from "./wide";

function take(counter: usize): u32 {
  return atomic.add<u32>(counter, 1);
}

/** @param firstOfBatch the batch's first pair; NONE if the network only scores */
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

/** @param scores f32; those of panel p are at scores + p * stride */
function addWide(plan: NetPlan, rows: NetRows, row: u32, numRows: u32, scores: usize, stride: usize): void {
  if (plan.wide == 0) return;
  for (let r: u32 = 0; r < numRows; r++) {
    const at = scores + <usize>(r >>> 3) * stride + ((<usize>(r & 7)) << 2);
    store<f32>(at, load<f32>(at) + wideScore(plan, rows, row + r));
  }
}

/** Writes dLoss/dscore of eight rows, and 0 for rows beyond the last. */
function scoreGradients(
  plan: NetPlan,
  rows: NetRows,
  row: u32,
  numRows: u32,
  scores: usize,
  gradients: usize,
): void {
  for (let r: u32 = 0; r < 8; r += 4) {
    const at = (<usize>(row + r)) << 2;
    const s = v128.load(scores + ((<usize>r) << 2));
    const y = v128.load(rows.labels + at);
    let g = lossGradient4(s, y, plan.squared != 0);
    if (rows.weights) g = f32x4.mul(g, v128.load(rows.weights + at));
    // labels beyond the last row are arbitrary, so their gradients are set to 0
    const left = numRows > r ? numRows - r : 0;
    g = v128.and(g, firstLanes(left));
    v128.store(gradients + ((<usize>r) << 2), g);
  }
}

/** Writes dLoss/dscore of a block's rows as the derivatives by the last layer's output. @returns sum of the losses */
function lossOf(plan: NetPlan, thread: NetThread, rows: NetRows, row: u32, numRows: u32, place: u32): f64 {
  const last = lastLayer(plan);
  const bytes = (<usize>last.outputs) << 5;
  const scores = thread.scratch + last.y;
  const gradients = thread.scratch + last.dy;
  memory.fill(gradients, 0, <usize>PANELS * bytes);
  addWide(plan, rows, row, numRows, scores, bytes);
  let loss: f64 = 0;
  for (let p: u32 = 0; p < PANELS; p++) {
    const from = p << 3;
    const count = numRows > from ? min(<u32>8, numRows - from) : 0;
    const s = scores + <usize>p * bytes;
    const g = gradients + <usize>p * bytes;
    scoreGradients(plan, rows, row + from, count, s, g);
    memory.copy(plan.scoreGradients + ((<usize>(place + from)) << 2), g, 32);
    const at = (<usize>(row + from)) << 2;
    const weights = rows.weights ? rows.weights + at : 0;
    loss = addLosses(loss, s, rows.labels + at, weights, count, plan.squared != 0);
  }
  return loss;
}

/** @param row of the block's first row in `rows` @param place of it in the batch */
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
  drawKeys(plan, thread.keys, epoch, inEpoch);
  gather(plan, thread, rows, row, numRows, place, firstPair(rows, row - place));
  sortPairs(plan, rows, row - place, row, numRows, place / BLOCK);
  forward(plan, thread.scratch, thread.keys, true);
  const loss = lossOf(plan, thread, rows, row, numRows, place);
  store<f64>(plan.losses + ((<usize>(place / BLOCK)) << 3), loss);
  // the derivatives by the input x_0 are not needed if embeddings are frozen
  const moves = plan.embeddingLearningRate > 0;
  backward(plan, thread.scratch, thread.keys, place, moves);
  if (!moves) return;
  const first = layerAt(plan, 0);
  for (let p: u32 = 0; p < PANELS; p++) {
    const at = (<usize>(p * first.inputs)) << 5;
    const scratch = thread.scratch;
    scatterGradients(plan, scratch + first.x + at, scratch + first.dx + at, place + (p << 3), first.inputs);
  }
}

/**
 * Takes the step of a part of the parameters: some embeddings, some wide weights, w0, or eight outputs of a layer. If
 * `kept` is MEASURE, only computes the length of the gradients.
 *
 * @param kept factor of the gradients
 * @returns with MEASURE the squared length of the part's summed gradients; -1 if there is no such part
 */
function eachPart(
  plan: NetPlan,
  thread: NetThread,
  rows: NetRows,
  part: u32,
  first: u32,
  numRows: u32,
  t: u32,
  kept: f32,
): f64 {
  const numBlocks = (numRows + BLOCK - 1) / BLOCK;
  if (plan.embeddingLearningRate > 0) {
    if (part < PARTS) return eachEmbedding(plan, thread, rows, part, first, numBlocks, kept);
    part -= PARTS;
    if (plan.w0) {
      if (part == 0) return stepBias(plan, numRows, t, kept);
      part--;
    }
  }
  if (plan.wide) {
    if (part < PARTS) return eachWeight(plan, rows, part, first, numRows, numBlocks, kept);
    part -= PARTS;
  }
  if (kept == MEASURE) return squaresOfOutputs(plan, thread.tiles, part, numRows);
  return stepOutputs(plan, thread.tiles, part, numRows, t, kept) ? 0 : -1;
}

/** Stores the squared length of each part's gradients; all threads share the work. */
function measureParts(plan: NetPlan, thread: NetThread, rows: NetRows, first: u32, numRows: u32): void {
  for (;;) {
    const part = take(plan.counters + 128);
    const squares = eachPart(plan, thread, rows, part, first, numRows, 0, MEASURE);
    if (squares < 0) return;
    store<f64>(plan.norms + ((<usize>part) << 3), squares);
  }
}

/** Returns the factor that limits the length of the batch's mean gradient to clipNorm (Pascanu et al. 2013). */
function keptOf(plan: NetPlan, numRows: u32): f32 {
  let squares: f64 = 0;
  for (let part: usize = 0; part < plan.numParts; part++) squares += load<f64>(plan.norms + (part << 3));
  const length = sqrt<f64>(squares) / <f64>numRows;
  return <f32>(length > plan.clipNorm ? plan.clipNorm / length : 1);
}

/** Takes one step of w0, or none if `kept` is MEASURE. @returns the squared sum of the batch's derivatives by w0 */
function stepBias(plan: NetPlan, numRows: u32, t: u32, kept: f32): f64 {
  let sum: f32 = 0;
  const pitch = (<usize>plan.rowPitch) << 2;
  for (let r: usize = 0; r < numRows; r++) sum += load<f32>(plan.inputGradients + r * pitch);
  if (kept != MEASURE) {
    const p = plan.w0;
    const g = f32x4.replace_lane(f32x4.splat(0), 0, (kept * sum) / <f32>numRows);
    adam4(p, p + 16, p + 32, g, plan.learningRate, firstCorrection(t), secondCorrection(t));
  }
  return <f64>sum * <f64>sum;
}

/**
 * Takes one step on a batch; every thread of the plan calls it for the same batches in the same order.
 *
 * @param index   index of this thread; thread 0 adds up the losses
 * @param first   index in `rows` of the batch's first row
 * @param inEpoch position of this row in the epoch
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
    // no thread takes another block before the barrier at the end
    store<u32>(blocksTaken, 0);
    for (let b: usize = 0; b * BLOCK < numRows; b++) thread.loss += load<f64>(plan.losses + (b << 3));
  }
  let kept: f32 = 1;
  if (plan.clipNorm > 0) {
    measureParts(plan, thread, rows, first, numRows);
    if (!barrier(plan.barrier, plan.numThreads)) return false;
    kept = keptOf(plan, numRows);
  }
  while (eachPart(plan, thread, rows, take(partsTaken), first, numRows, t, kept) >= 0) {}
  if (!barrier(plan.barrier, plan.numThreads)) return false;
  // no thread takes another part before the first barrier of the next batch
  if (index == 0) {
    store<u32>(partsTaken, 0);
    store<u32>(plan.counters + 128, 0);
  }
  return true;
}

/** @param row index of the block's first row in `rows` */
function scoreBlock(
  plan: NetPlan,
  thread: NetThread,
  rows: NetRows,
  row: u32,
  numRows: u32,
  scores: usize,
): void {
  const last = lastLayer(plan);
  const bytes = (<usize>last.outputs) << 5;
  gather(plan, thread, rows, row, numRows, 0, NONE);
  forward(plan, thread.scratch, 0, false);
  const z = thread.scratch + last.y;
  addWide(plan, rows, row, numRows, z, bytes);
  if (plan.machine) {
    const first = layerAt(plan, 0);
    const inputBytes = (<usize>first.inputs) << 5;
    for (let p: usize = 0; p < PANELS; p++) {
      addMachine(plan, thread.scratch + first.x + p * inputBytes, z + p * bytes);
    }
  }
  for (let r: u32 = 0; r < numRows; r++) {
    const source = z + <usize>(r >>> 3) * bytes + ((<usize>(r & 7)) << 2);
    store<f32>(scores + ((<usize>(row + r)) << 2), load<f32>(source));
  }
}

/**
 * Writes the scores of consecutive rows; any thread may score any rows.
 * @param scores f32: scores[r] is the score of row r
 */
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
 * Writes the score and x_(L-1), the last layer's input, of consecutive rows; any thread may encode any rows.
 *
 * @param scores f32: scores[r] is the score of row r
 * @param hidden f32[][width]: hidden[r] is x_(L-1) of row r
 * @param width  number of units of x_(L-1), not counting padding
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
  const last = lastLayer(plan);
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

/** Returns the sum over fields of one element, for four rows. @param at address of the first field's */
function sumOfFields(at: usize, end: usize, pitch: usize): v128 {
  let sum = f32x4.splat(0);
  for (; at < end; at += pitch) sum = f32x4.add(sum, v128.load(at));
  return sum;
}

/**
 * Adds the score of the factorization machine in x_0 to the scores of eight rows, for networks that only score.
 *
 *   S_k    sum over fields of v_f,k                          of a row; v_f is the last part of the field's block in x_0
 *   score  w0 + sum_f w_f + 1/2 sum_k (S_k^2 - sum_f v_f,k^2)       w0 and w only where x_0 has them (fnn)
 *
 * Source: Rendle 2010 (10.1109/ICDM.2010.127), eq. 1 and 3.
 *
 * @param x panel of x_0
 * @param scores f32[8]
 */
function addMachine(plan: NetPlan, x: usize, scores: usize): void {
  const pitch = (<usize>plan.width) << 5;
  for (let half: usize = 0; half < 32; half += 16) {
    const first = x + ((<usize>plan.firstInput) << 5) + half;
    const end = x + ((<usize>plan.endInput) << 5);
    let pairs = f32x4.splat(0);
    for (let k: usize = plan.firstDim; k < plan.width; k++) {
      let sum = f32x4.splat(0);
      let squares = f32x4.splat(0);
      for (let at = first + (k << 5); at < end; at += pitch) {
        const v = v128.load(at);
        sum = f32x4.add(sum, v);
        squares = f32x4.add(squares, f32x4.mul(v, v));
      }
      pairs = f32x4.add(pairs, f32x4.sub(f32x4.mul(sum, sum), squares));
    }
    let score = f32x4.mul(f32x4.splat(0.5), pairs);
    if (plan.w0) score = f32x4.add(score, f32x4.add(v128.load(x + half), sumOfFields(first, end, pitch)));
    addTo(scores + half, score);
  }
}
