// Losses over pairs: an event's item against one negative of its own.
//
//   s_k    score of item k for the event; k = 0 is its own, 1 .. M are candidates
//   x      s_0 - s_negative
//   BPR    log(1 + exp(-x)); the negative is the candidate of the highest score     Rendle 2009; M > 1: Zhang 2013
//          or of a rank drawn for the event from a range, 1 the highest             Ying 2018, section 3.3 (hard negatives)
//   WARP   L(floor((I - 1) / k)) max(0, margin - x); the negative is the first with s_k > s_0 - margin      Weston 2011
//
// Each thread owns whole slices of dimensions. It writes its slices' parts of the scores, and after a barrier every thread
// adds the parts up for itself, in the slices' order. Twin: ../reference.ts.

import { logisticGradient4, logisticLoss4 } from "../../shared/assembly/loss";
import { sgd } from "../../shared/assembly/steps";
import { sum4 } from "../../shared/assembly/vector";
import { drawRank } from "./draw";
import { B, Plan, SGD, SLICE, Thread, WARP } from "./plan";
import {
  rowBytes,
  squaresOf,
  stepRow,
  stepWeight,
  stepWeights,
  sumOf,
  vectorOf,
  weightAt,
  weightOf,
} from "./vectors";

/** Where row r of a batch's candidates, u32[B][M + 2], begins: its context, its item and what this is compared with. */
function rowAt(plan: Plan, candidates: usize, r: usize): usize {
  return candidates + ((r * (<usize>plan.numNegatives + 2)) << 2);
}

/**
 * Reads a number of each cache line that the batch's pairs lie in, so that what is far away comes in many lines at once; the
 * work on them would ask for one event's after another's. Of single features, whose addresses take few instructions: the fewer there
 * are between two reads, the more reads the processor has under way.
 */
export function touchPairs(
  plan: Plan,
  thread: Thread,
  candidates: usize,
  numRows: u32,
  fromSlice: u32,
  toSlice: u32,
): void {
  const stride = <usize>plan.stride;
  const first = plan.vectors + <usize>fromSlice * SLICE;
  const bytes = <usize>(toSlice - fromSlice) * SLICE;
  // rows of SGD have no accumulators: a number that is read anyway stands in for them
  const squares: usize = plan.method == SGD ? 0 : rowBytes(plan) - <usize>fromSlice * (SLICE - 4);
  const end = rowAt(plan, candidates, numRows);
  let sum: i32 = 0;
  for (let at = candidates; at < end; at += 4) {
    sum += Row.touch(first + <usize>load<u32>(at) * stride, bytes, squares);
  }
  // what is stored cannot be left out by the compiler
  store<i32>(thread.tile, sum);
}

/** A class only because decorators are for methods. */
class Row {
  /** The sum of a number of each cache line of a row's slices, and of one of their accumulators. */
  @inline
  static touch(row: usize, bytes: usize, squares: usize): i32 {
    let sum = load<i32>(row + squares);
    for (const end = row + bytes; row < end; row += 64) sum += load<i32>(row);
    return sum;
  }
}

/**
 * Writes the parts of each score that slices from .. to have, f32[M + 1] an event and slice.
 *
 * Events come first and slices within, so that a vector is read in one go.
 *
 * @param partials f32[J + 1][B][M + 1]
 */
export function forwardPairs(
  plan: Plan,
  candidates: usize,
  numRows: u32,
  fromSlice: u32,
  toSlice: u32,
  partials: usize,
): void {
  const M = plan.numNegatives;
  const end = <usize>toSlice * SLICE;
  const toNextSlice = (<usize>(B * (M + 1))) << 2;
  const single = plan.single != 0;
  let first = partials + <usize>fromSlice * toNextSlice;
  for (let r: u32 = 0; r < numRows; r++) {
    const row = rowAt(plan, candidates, r);
    const context = load<u32>(row);
    const p = single ? vectorOf(plan, context) : 0;
    for (let k: u32 = 0; k <= M; k++, first += 4) {
      const item = load<u32>(row + ((<usize>k) << 2), 4);
      let target = first;
      if (single) {
        const q = vectorOf(plan, item);
        for (let c = <usize>fromSlice * SLICE; c < end; c += SLICE, target += toNextSlice) {
          const half = f32x4.mul(v128.load(p + c), v128.load(q + c));
          store<f32>(target, sum4(f32x4.add(half, f32x4.mul(v128.load(p + c, 16), v128.load(q + c, 16)))));
        }
      } else {
        for (let c = <usize>fromSlice * SLICE; c < end; c += SLICE, target += toNextSlice) {
          const half = scorePart(plan, context, item, c);
          store<f32>(target, sum4(f32x4.add(half, scorePart(plan, context, item, c + 16))));
        }
      }
    }
  }
}

/** Numbers of a batch that each slice has a part of: scores, or differences of two scores. */
export function numbersOf(plan: Plan): usize {
  return plan.differs ? B : B * (plan.numNegatives + 1);
}

/** As forwardPairs, of the difference of each event's two scores: <p, q - q'>. @param partials f32[J + 1][B] */
export function forwardDifferences(
  plan: Plan,
  candidates: usize,
  numRows: u32,
  fromSlice: u32,
  toSlice: u32,
  partials: usize,
): void {
  const toNextSlice = (<usize>B) << 2;
  const from = <usize>fromSlice * SLICE;
  const end = <usize>toSlice * SLICE;
  let first = partials + <usize>fromSlice * toNextSlice;
  for (let r: u32 = 0; r < numRows; r++, first += 4) {
    const row = rowAt(plan, candidates, r);
    const u = vectorOf(plan, load<u32>(row));
    const i = vectorOf(plan, load<u32>(row, 4));
    const n = vectorOf(plan, load<u32>(row, 8));
    let target = first;
    for (let c = from; c < end; c += SLICE, target += toNextSlice) {
      const half = f32x4.mul(v128.load(u + c), f32x4.sub(v128.load(i + c), v128.load(n + c)));
      const other = f32x4.sub(v128.load(i + c, 16), v128.load(n + c, 16));
      store<f32>(target, sum4(f32x4.add(half, f32x4.mul(v128.load(u + c, 16), other))));
    }
  }
}

/** Writes the weights' part of each score, or of each difference: the last of the partials. */
export function forwardPairWeights(plan: Plan, candidates: usize, numRows: u32, partial: usize): void {
  const M = plan.numNegatives;
  for (let r: u32 = 0; r < numRows; r++) {
    const row = rowAt(plan, candidates, r);
    if (plan.differs) {
      const w = load<f32>(weightAt(plan, load<u32>(row, 4))) - load<f32>(weightAt(plan, load<u32>(row, 8)));
      store<f32>(partial + ((<usize>r) << 2), w);
      continue;
    }
    for (let k: u32 = 0; k <= M; k++, partial += 4) {
      const item = load<u32>(row + ((<usize>k) << 2), 4);
      const w = plan.single ? load<f32>(weightAt(plan, item)) : weightOf(plan, plan.templates, item);
      store<f32>(partial, w);
    }
  }
}

/** Four dimensions of <p, q> and of the inner products of the item's own features, (q^2 - sum of (x v)^2) / 2. */
function scorePart(plan: Plan, event: u32, item: u32, c: usize): v128 {
  const p = sumOf(plan, plan.context, event, c);
  const q = sumOf(plan, plan.templates, item, c);
  const inner = f32x4.sub(f32x4.mul(q, q), squaresOf(plan, plan.templates, item, c));
  return f32x4.add(f32x4.mul(p, q), f32x4.mul(f32x4.splat(0.5), inner));
}

/** Adds the parts up: score = partial[0] + ... + partial[J], in this order. */
export function combinePairs(plan: Plan, partials: usize, scores: usize): void {
  const numbers = numbersOf(plan);
  for (let i: usize = 0; i < numbers; i += 4) {
    let score = v128.load(partials + (i << 2));
    for (let j: usize = 1; j <= plan.numSlices; j++) {
      score = f32x4.add(score, v128.load(partials + ((j * numbers + i) << 2)));
    }
    v128.store(scores + (i << 2), score);
  }
}

/**
 * Chooses each event's negative, and turns x into dLoss/dx.
 *
 * @param epochKey names the ranks that are drawn (BPR)
 * @param counts   whether this thread sums the losses
 * @returns their sum, in the rows' order, where it does
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

function eventWeight(plan: Plan, events: usize, r: usize): f32 {
  if (!plan.eventWeights) return 1;
  return load<f32>(plan.eventWeights + ((<usize>load<u32>(events + (r << 2))) << 2));
}

/** The score of candidate k. */
function scoreAt(scores: usize, k: u32): f32 {
  return load<f32>(scores + ((<usize>k) << 2));
}

/** The candidate of the highest score; of equals the one drawn first. */
function highest(plan: Plan, scores: usize): u32 {
  let best: u32 = 1;
  for (let k: u32 = 2; k <= plan.numNegatives; k++) {
    if (scoreAt(scores, k) > scoreAt(scores, best)) best = k;
  }
  return best;
}

/**
 * The candidate of that rank by score, 1 the highest; of equals the one drawn first is before the others.
 *
 * The best `rank` are kept in order as the candidates pass, so that small ranks cost little more than one pass.
 *
 * @param best u32[rank], overwritten
 */
function ofRank(plan: Plan, scores: usize, rank: u32, best: usize): u32 {
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
    // those below move down by one
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
    if (plan.differs) {
      store<u32>(thread.negatives + (r << 2), load<u32>(rowAt(plan, candidates, r), 8));
      store<f32>(thread.gradients + (r << 2), load<f32>(thread.scores + (r << 2)));
      continue;
    }
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
        sum += <f64>(load<f32>(thread.tile + (i << 2)) * eventWeight(plan, events, r + i));
      }
    }
    v128.store(thread.gradients + (r << 2), logisticGradient4(x, f32x4.splat(1)));
  }
  if (plan.eventWeights) {
    for (let r: usize = 0; r < numRows; r++) {
      const at = thread.gradients + (r << 2);
      store<f32>(at, load<f32>(at) * eventWeight(plan, events, r));
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
    // a score that is no number violates, so that a training that diverged is noticed
    while (k <= M && load<f32>(scores + ((<usize>k) << 2)) <= own - plan.margin) k++;
    let gradient: f32 = 0;
    if (k <= M) {
      store<u32>(thread.negatives + (r << 2), load<u32>(rowAt(plan, candidates, r) + ((<usize>k) << 2), 4));
      const weight = load<f32>(plan.rankWeights + ((<usize>k) << 2)) * eventWeight(plan, events, r);
      gradient = -weight;
      sum += <f64>(weight * (plan.margin - own + load<f32>(scores + ((<usize>k) << 2))));
    }
    store<f32>(thread.gradients + (r << 2), gradient);
  }
  return sum;
}

/** Moves slices from .. to of every feature of every pair, in the rows' order. */
export function updatePairs(
  plan: Plan,
  thread: Thread,
  candidates: usize,
  numRows: u32,
  fromSlice: u32,
  toSlice: u32,
): void {
  const l2 = f32x4.splat(plan.l2Vector);
  const zero = f32x4.splat(0);
  const context = plan.context;
  const templates = plan.templates;
  const single = plan.single != 0;
  const squares = rowBytes(plan);
  const learningRate = f32x4.splat(plan.learningRate);
  const keep = f32x4.sub(f32x4.splat(1), f32x4.mul(learningRate, l2));
  const from = <usize>fromSlice * SLICE;
  const end = <usize>toSlice * SLICE;
  for (let r: u32 = 0; r < numRows; r++) {
    const gradient = load<f32>(thread.gradients + ((<usize>r) << 2));
    if (gradient == 0) continue;
    const g = f32x4.splat(gradient);
    const minus = f32x4.neg(g);
    const row = rowAt(plan, candidates, r);
    const event = load<u32>(row);
    const item = load<u32>(row, 4);
    const negative = load<u32>(thread.negatives + ((<usize>r) << 2));
    if (single) {
      const u = vectorOf(plan, event);
      const i = vectorOf(plan, item);
      const n = vectorOf(plan, negative);
      if (plan.method == SGD) {
        const a = f32x4.mul(learningRate, g);
        for (let c = from; c < end; c += SLICE) stepThree(u + c, i + c, n + c, keep, a);
        continue;
      }
      for (let c = from; c < end; c += SLICE) {
        updateThree(u + c, i + c, n + c, squares + (c >>> 3) - c, g, l2, learningRate);
      }
      continue;
    }
    for (let c = from; c < end; c += SLICE) {
      const p0 = sumOf(plan, context, event, c);
      const p1 = sumOf(plan, context, event, c + 16);
      const i0 = sumOf(plan, templates, item, c);
      const i1 = sumOf(plan, templates, item, c + 16);
      const n0 = sumOf(plan, templates, negative, c);
      const n1 = sumOf(plan, templates, negative, c + 16);
      const d0 = f32x4.mul(g, f32x4.sub(i0, n0));
      const d1 = f32x4.mul(g, f32x4.sub(i1, n1));
      stepRow(plan, context, event, c, d0, d1, zero, zero, zero, l2);
      const q0 = f32x4.mul(g, p0);
      const q1 = f32x4.mul(g, p1);
      stepRow(plan, templates, item, c, q0, q1, g, i0, i1, l2);
      stepRow(plan, templates, negative, c, f32x4.neg(q0), f32x4.neg(q1), minus, n0, n1, l2);
    }
  }
}

/**
 * A slice of a pair whose sides have one feature each.
 *
 * @param u,i,n   of the context, the item and the negative: where the slice lies
 * @param squares bytes from a slice to its accumulator
 */
function updateThree(
  u: usize,
  i: usize,
  n: usize,
  squares: usize,
  g: v128,
  l2: v128,
  learningRate: v128,
): void {
  const u0 = v128.load(u);
  const u1 = v128.load(u, 16);
  const i0 = v128.load(i);
  const i1 = v128.load(i, 16);
  const n0 = v128.load(n);
  const n1 = v128.load(n, 16);
  const gu0 = f32x4.add(f32x4.mul(g, f32x4.sub(i0, n0)), f32x4.mul(l2, u0));
  const gu1 = f32x4.add(f32x4.mul(g, f32x4.sub(i1, n1)), f32x4.mul(l2, u1));
  const q0 = f32x4.mul(g, u0);
  const q1 = f32x4.mul(g, u1);
  const gi0 = f32x4.add(q0, f32x4.mul(l2, i0));
  const gi1 = f32x4.add(q1, f32x4.mul(l2, i1));
  const gn0 = f32x4.sub(f32x4.mul(l2, n0), q0);
  const gn1 = f32x4.sub(f32x4.mul(l2, n1), q1);

  // the three at once: sums of squares as sum4 has them, one root and one division
  const uu = f32x4.add(f32x4.mul(gu0, gu0), f32x4.mul(gu1, gu1));
  const ii = f32x4.add(f32x4.mul(gi0, gi0), f32x4.mul(gi1, gi1));
  const nn = f32x4.add(f32x4.mul(gn0, gn0), f32x4.mul(gn1, gn1));
  const ui = f32x4.add(v128.shuffle<f32>(uu, ii, 0, 1, 4, 5), v128.shuffle<f32>(uu, ii, 2, 3, 6, 7));
  const n2 = f32x4.add(nn, v128.shuffle<f32>(nn, nn, 2, 3, 0, 1));
  const sums = f32x4.add(v128.shuffle<f32>(ui, n2, 0, 2, 4, 4), v128.shuffle<f32>(ui, n2, 1, 3, 5, 5));
  let kept = v128.load32_zero(u + squares);
  kept = v128.load32_lane(i + squares, kept, 1);
  kept = v128.load32_lane(n + squares, kept, 2);
  kept = f32x4.add(kept, f32x4.mul(f32x4.splat(0.125), sums));
  v128.store32_lane(u + squares, kept, 0);
  v128.store32_lane(i + squares, kept, 1);
  v128.store32_lane(n + squares, kept, 2);
  const rates = f32x4.div(learningRate, f32x4.sqrt(kept));
  const uRate = v128.shuffle<f32>(rates, rates, 0, 0, 0, 0);
  const iRate = v128.shuffle<f32>(rates, rates, 1, 1, 1, 1);
  const nRate = v128.shuffle<f32>(rates, rates, 2, 2, 2, 2);
  v128.store(u, sgd<v128>(u0, gu0, uRate));
  v128.store(u, sgd<v128>(u1, gu1, uRate), 16);
  v128.store(i, sgd<v128>(i0, gi0, iRate));
  v128.store(i, sgd<v128>(i1, gi1, iRate), 16);
  v128.store(n, sgd<v128>(n0, gn0, nRate));
  v128.store(n, sgd<v128>(n1, gn1, nRate), 16);
}

/**
 * A slice of a pair whose sides have one feature each, by SGD.
 *
 * @param u,i,n where the slice lies
 * @param keep  1 - learning rate x penalty
 * @param a     learning rate x dLoss/dx
 */
function stepThree(u: usize, i: usize, n: usize, keep: v128, a: v128): void {
  for (let half: usize = 0; half < SLICE; half += 16) {
    const u4 = v128.load(u + half);
    const i4 = v128.load(i + half);
    const n4 = v128.load(n + half);
    const au = f32x4.mul(a, u4);
    v128.store(u + half, f32x4.sub(f32x4.mul(keep, u4), f32x4.mul(a, f32x4.sub(i4, n4))));
    v128.store(i + half, f32x4.sub(f32x4.mul(keep, i4), au));
    v128.store(n + half, f32x4.add(f32x4.mul(keep, n4), au));
  }
}

/** Moves the weights of both items of every pair; those of the context cancel. */
export function updatePairWeights(plan: Plan, thread: Thread, candidates: usize, numRows: u32): void {
  for (let r: u32 = 0; r < numRows; r++) {
    const g = load<f32>(thread.gradients + ((<usize>r) << 2));
    if (g == 0) continue;
    const item = load<u32>(rowAt(plan, candidates, r), 4);
    const negative = load<u32>(thread.negatives + ((<usize>r) << 2));
    if (plan.single) {
      stepWeight(plan, item, g);
      stepWeight(plan, negative, -g);
    } else {
      stepWeights(plan, plan.templates, item, g);
      stepWeights(plan, plan.templates, negative, -g);
    }
  }
}
