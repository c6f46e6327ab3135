// Losses over pairs: an event's item against one negative of the event.
//
//   s_k    score of item k for the event; k = 0 is its own, 1 .. M are candidates
//   x      s_0 - s_negative
//   BPR    log(1 + exp(-x)); the negative is the candidate of the highest score     Rendle 2009; M > 1: Zhang 2013
//          or that of a rank by score, drawn for the event from a range             Ying 2018, section 3.3
//   WARP   L(floor((I - 1) / k)) max(0, margin - x); the negative is the first with s_k > s_0 - margin      Weston 2011
//
// Each thread owns whole slices of dimensions. It writes its slices' parts of the scores; after a barrier, every thread
// adds up the parts itself, in the order of the slices. Twin: ../ranking.reference.ts.

import { logisticGradient4, logisticLoss4 } from "../../shared/assembly/loss";
import { sum4 } from "../../shared/assembly/vector";
import { drawRank } from "./draw";
import { B, Plan, SLICE, Thread, WARP } from "./plan";
import { squaresOf, stepRow, stepWeights, sumOf, weightOf, weightOfEvent } from "./vectors";

/** Returns the address of event r's context, own item and M candidates in u32[B][M + 2]. */
function rowAt(plan: Plan, candidates: usize, r: usize): usize {
  return candidates + ((r * (<usize>plan.numNegatives + 2)) << 2);
}

/**
 * Writes the partial scores of the thread's slices for every event's own item and M candidates. The inner loop is over
 * slices, so that a vector is read in one piece.
 * @param partials f32[J + 1][B][M + 1]
 */
export function forwardPairs(
  plan: Plan,
  thread: Thread,
  candidates: usize,
  numRows: u32,
  partials: usize,
): void {
  const M = plan.numNegatives;
  const from = <usize>thread.fromSlice * SLICE;
  const end = <usize>thread.toSlice * SLICE;
  const toNextSlice = (<usize>(B * (M + 1))) << 2;
  let first = partials + <usize>thread.fromSlice * toNextSlice;
  for (let r: u32 = 0; r < numRows; r++) {
    const row = rowAt(plan, candidates, r);
    const event = load<u32>(row);
    for (let k: u32 = 0; k <= M; k++, first += 4) {
      const item = load<u32>(row + ((<usize>k) << 2), 4);
      let target = first;
      for (let c = from; c < end; c += SLICE, target += toNextSlice) {
        const half = scorePart(plan, thread, event, item, c);
        store<f32>(target, sum4(f32x4.add(half, scorePart(plan, thread, event, item, c + 16))));
      }
    }
  }
}

/** Writes the sums of x w, the last of the partial scores. */
export function forwardPairWeights(plan: Plan, candidates: usize, numRows: u32, partial: usize): void {
  const M = plan.numNegatives;
  for (let r: u32 = 0; r < numRows; r++) {
    const row = rowAt(plan, candidates, r);
    for (let k: u32 = 0; k <= M; k++, partial += 4) {
      const item = load<u32>(row + ((<usize>k) << 2), 4);
      store<f32>(partial, weightOf(plan, plan.templates, item));
    }
  }
}

/** Computes four dimensions of <p, q> + (q^2 - sum of (x v)^2) / 2. */
function scorePart(plan: Plan, thread: Thread, event: u32, item: u32, c: usize): v128 {
  const p = sumOf(thread, plan.context, event, c);
  const q = sumOf(thread, plan.templates, item, c);
  const inner = f32x4.sub(f32x4.mul(q, q), squaresOf(thread, plan.templates, item, c));
  return f32x4.add(f32x4.mul(p, q), f32x4.mul(f32x4.splat(0.5), inner));
}

/** Adds up the partial scores: score = partial[0] + ... + partial[J], in this order. */
export function combinePairs(plan: Plan, partials: usize, scores: usize): void {
  const numbers = B * (plan.numNegatives + 1);
  for (let i: usize = 0; i < numbers; i += 4) {
    let score = v128.load(partials + (i << 2));
    for (let j: usize = 1; j <= plan.numSlices; j++) {
      score = f32x4.add(score, v128.load(partials + ((j * numbers + i) << 2)));
    }
    v128.store(scores + (i << 2), score);
  }
}

/**
 * Chooses each event's negative, and writes dLoss/dx.
 *
 * @param epochKey key from which ranks are sampled (BPR)
 * @param counts   true if this thread sums the losses
 * @returns the sum of the losses in the order of the rows, if `counts` is true
 */
export function choosePairs(
  plan: Plan,
  thread: Thread,
  events: usize,
  candidates: usize,
  numRows: u32,
  epochKey: u32,
  counts: bool,
): f64 {
  return plan.loss == WARP
    ? chooseWarp(plan, thread, events, candidates, numRows)
    : chooseBpr(plan, thread, events, candidates, numRows, epochKey, counts);
}

function scoreAt(scores: usize, k: u32): f32 {
  return load<f32>(scores + ((<usize>k) << 2));
}

/** Returns the candidate with the highest score; of several, the one sampled first. */
export function highest(plan: Plan, scores: usize): u32 {
  let best: u32 = 1;
  for (let k: u32 = 2; k <= plan.numNegatives; k++) {
    if (scoreAt(scores, k) > scoreAt(scores, best)) best = k;
  }
  return best;
}

/**
 * Returns the candidate with a given rank by score; 1 is the highest, equal scores are in the order of sampling.
 *
 * The best `rank` candidates are kept sorted in one pass, so that small ranks are cheap.
 *
 * @param best u32[rank], overwritten
 */
export function ofRank(plan: Plan, scores: usize, rank: u32, best: usize): u32 {
  const last = best + ((<usize>rank - 1) << 2);
  let end = best;
  for (let k: u32 = 1; k <= plan.numNegatives; k++) {
    const score = scoreAt(scores, k);
    let at = end;
    if (end > last) {
      if (!(score > scoreAt(scores, load<u32>(last)))) continue;
      at = last;
    } else {
      end += 4;
    }
    // candidates with lower scores move down by one rank
    while (at > best && score > scoreAt(scores, load<u32>(at - 4))) {
      store<u32>(at, load<u32>(at - 4));
      at -= 4;
    }
    store<u32>(at, k);
  }
  return load<u32>(last);
}

function chooseBpr(
  plan: Plan,
  thread: Thread,
  events: usize,
  candidates: usize,
  numRows: u32,
  epochKey: u32,
  counts: bool,
): f64 {
  const M = plan.numNegatives;
  for (let r: usize = 0; r < numRows; r++) {
    const scores = thread.scores + ((r * (M + 1)) << 2);
    let best: u32;
    if (plan.toRank == 1) {
      best = highest(plan, scores);
    } else {
      const rank = drawRank(plan, epochKey, load<u32>(events + (r << 2)));
      best = ofRank(plan, scores, rank, thread.best);
    }
    store<u32>(thread.negatives + (r << 2), load<u32>(rowAt(plan, candidates, r) + ((<usize>best) << 2), 4));
    store<f32>(thread.gradients + (r << 2), load<f32>(scores) - load<f32>(scores + ((<usize>best) << 2)));
  }
  let sum: f64 = 0;
  for (let r: usize = 0; r < numRows; r += 4) {
    const x = v128.load(thread.gradients + (r << 2));
    if (counts) {
      v128.store(thread.tile, logisticLoss4(x, f32x4.splat(1)));
      for (let i: usize = 0; i < 4 && r + i < numRows; i++) {
        sum += <f64>(
          (load<f32>(thread.tile + (i << 2)) * weightOfEvent(plan, load<u32>(events + ((r + i) << 2))))
        );
      }
    }
    v128.store(thread.gradients + (r << 2), logisticGradient4(x, f32x4.splat(1)));
  }
  if (plan.eventWeights) {
    for (let r: usize = 0; r < numRows; r++) {
      const at = thread.gradients + (r << 2);
      store<f32>(at, load<f32>(at) * weightOfEvent(plan, load<u32>(events + (r << 2))));
    }
  }
  return sum;
}

function chooseWarp(plan: Plan, thread: Thread, events: usize, candidates: usize, numRows: u32): f64 {
  const M = plan.numNegatives;
  let sum: f64 = 0;
  for (let r: usize = 0; r < numRows; r++) {
    const scores = thread.scores + ((r * (M + 1)) << 2);
    const own = load<f32>(scores);
    let k: u32 = 1;
    // NaN counts as a violation of the margin, so that a diverged training is noticed
    while (k <= M && load<f32>(scores + ((<usize>k) << 2)) <= own - plan.margin) k++;
    let gradient: f32 = 0;
    if (k <= M) {
      store<u32>(thread.negatives + (r << 2), load<u32>(rowAt(plan, candidates, r) + ((<usize>k) << 2), 4));
      const weight =
        load<f32>(plan.rankWeights + ((<usize>k) << 2)) * weightOfEvent(plan, load<u32>(events + (r << 2)));
      gradient = -weight;
      sum += <f64>(weight * (plan.margin - own + load<f32>(scores + ((<usize>k) << 2))));
    }
    store<f32>(thread.gradients + (r << 2), gradient);
  }
  return sum;
}

/** Updates the thread's slices of every pair, in the order of the rows. */
export function updatePairs(plan: Plan, thread: Thread, candidates: usize, numRows: u32): void {
  const l2 = f32x4.splat(plan.l2Vector);
  const zero = f32x4.splat(0);
  const context = plan.context;
  const templates = plan.templates;
  const from = <usize>thread.fromSlice * SLICE;
  const end = <usize>thread.toSlice * SLICE;
  for (let r: u32 = 0; r < numRows; r++) {
    const gradient = load<f32>(thread.gradients + ((<usize>r) << 2));
    if (gradient == 0) continue;
    const g = f32x4.splat(gradient);
    const minus = f32x4.neg(g);
    const row = rowAt(plan, candidates, r);
    const event = load<u32>(row);
    const item = load<u32>(row, 4);
    const negative = load<u32>(thread.negatives + ((<usize>r) << 2));
    for (let c = from; c < end; c += SLICE) {
      const p0 = sumOf(thread, context, event, c);
      const p1 = sumOf(thread, context, event, c + 16);
      const i0 = sumOf(thread, templates, item, c);
      const i1 = sumOf(thread, templates, item, c + 16);
      const n0 = sumOf(thread, templates, negative, c);
      const n1 = sumOf(thread, templates, negative, c + 16);
      const d0 = f32x4.mul(g, f32x4.sub(i0, n0));
      const d1 = f32x4.mul(g, f32x4.sub(i1, n1));
      stepRow(thread, context, event, c, d0, d1, zero, zero, zero, l2, plan.learningRate);
      const q0 = f32x4.mul(g, p0);
      const q1 = f32x4.mul(g, p1);
      stepRow(thread, templates, item, c, q0, q1, g, i0, i1, l2, plan.learningRate);
      stepRow(
        thread,
        templates,
        negative,
        c,
        f32x4.neg(q0),
        f32x4.neg(q1),
        minus,
        n0,
        n1,
        l2,
        plan.learningRate,
      );
    }
  }
}

/** The weights of the context cancel out. */
export function updatePairWeights(plan: Plan, thread: Thread, candidates: usize, numRows: u32): void {
  for (let r: u32 = 0; r < numRows; r++) {
    const g = load<f32>(thread.gradients + ((<usize>r) << 2));
    if (g == 0) continue;
    const item = load<u32>(rowAt(plan, candidates, r), 4);
    const negative = load<u32>(thread.negatives + ((<usize>r) << 2));
    stepWeights(plan, plan.templates, item, g);
    stepWeights(plan, plan.templates, negative, -g);
  }
}
