// The linear slice: w of every feature, followed by its state.
//
//   score     sum of x w
//   grad      x g + l2 w
//   AdaGrad   f32[n][2]: w n             a row's features are distinct, so four of them are updated at once
//   SGD       f32[n][2]: w -
//   FTRL      f32[n][4]: w n z -         McMahan et al. 2013, algorithm 1, with beta = 1: L2 and L1 once a parameter
//   Adam      f32[n][8]: w m s c1 c2, c being 1 - b^t
//
// Twin: ../fm.reference.ts.

import { AdaGrad, Adam, addSquare, quickAdaGrad, Sgd, step, stepFtrl } from "../../shared/assembly/steps";
import { sum4 } from "../../shared/assembly/vector";
import { ADAGRAD, FTRL, SGD, Plan, Thread, RatedAdaGrad, RatedAdam, RatedSgd, ratesOf } from "./plan";
import { clearRepeats, countRepeats, isMarked, repeatAt, shareOf, Slot, sumsOf } from "./repeats";

/** Type that represents FTRL-proximal, which only the weights use; the vectors then use AdaGrad. */
type Ftrl = u16;
type RatedFtrl = i16;

function weightOf(L: usize, pair: usize, i: usize, stride: usize): usize {
  return L + <usize>load<u32>(pair + (i << 2)) * stride;
}

/** Writes each row's sum of x w to `partial`, f32[B]. */
export function forwardLinear<X>(plan: Plan, thread: Thread, partial: usize): void {
  const L = plan.linear;
  const stride = plan.linearStride;
  const numRows = thread.numRows;
  const ids = thread.ids;
  const toValue = thread.values - ids;
  const bytes = (<usize>thread.width) << 2;
  let pair = ids;
  for (let r: usize = 0; r < numRows; r++) {
    const end = isFloat<X>() ? ids + ((<usize>load<u32>(thread.ends + (r << 2))) << 2) : pair + bytes;
    let sums = f32x4.splat(0);
    for (; pair + 16 <= end; pair += 16) {
      let w = v128.load32_zero(weightOf(L, pair, 0, stride));
      w = v128.load32_lane(weightOf(L, pair, 1, stride), w, 1);
      w = v128.load32_lane(weightOf(L, pair, 2, stride), w, 2);
      w = v128.load32_lane(weightOf(L, pair, 3, stride), w, 3);
      sums = f32x4.add(sums, isFloat<X>() ? f32x4.mul(w, v128.load(pair + toValue)) : w);
    }
    let sum = sum4(sums);
    for (; pair < end; pair += 4) {
      const w = load<f32>(weightOf(L, pair, 0, stride));
      sum += isFloat<X>() ? w * load<f32>(pair + toValue) : w;
    }
    store<f32>(partial + (r << 2), sum);
  }
}

export function updateWeights(plan: Plan, thread: Thread): void {
  const rated = plan.rates != 0;
  if (plan.method == ADAGRAD && !rated) {
    if (thread.general) updateLinearAdaGrad<f32>(plan, thread);
    else updateLinearAdaGrad<u32>(plan, thread);
  } else if (plan.method == ADAGRAD) {
    updateBy<RatedAdaGrad>(plan, thread);
  } else if (plan.method == FTRL) {
    if (rated) updateBy<RatedFtrl>(plan, thread);
    else updateBy<Ftrl>(plan, thread);
  } else if (plan.method == SGD) {
    if (rated) updateBy<RatedSgd>(plan, thread);
    else updateBy<Sgd>(plan, thread);
  } else {
    if (rated) updateBy<RatedAdam>(plan, thread);
    else updateBy<Adam>(plan, thread);
  }
  clearRepeats(thread);
}

function updateBy<M>(plan: Plan, thread: Thread): void {
  if (thread.general) updateLinear<f32, M>(plan, thread);
  else updateLinear<u32, M>(plan, thread);
}

/** Takes the steps of AdaGrad with one learning rate for all features. */
function updateLinearAdaGrad<X>(plan: Plan, thread: Thread): void {
  const L = plan.linear;
  const stride = plan.linearStride;
  const numRows = thread.numRows;
  const ids = thread.ids;
  const toValue = thread.values - ids;
  const bytes = (<usize>thread.width) << 2;
  const lr = f32x4.splat(plan.learningRate);
  const l2 = f32x4.splat(plan.l2Weight);
  let pair = ids;
  for (let r: usize = 0; r < numRows; r++) {
    const end = isFloat<X>() ? ids + ((<usize>load<u32>(thread.ends + (r << 2))) << 2) : pair + bytes;
    const g = v128.load32_splat(thread.gradients + (r << 2));
    for (; pair + 16 <= end; pair += 16) {
      // if one of these four features is marked as repeated, the loop below processes the rest of the row one by one
      if (i32x4.bitmask(v128.load(pair))) break;
      const p0 = weightOf(L, pair, 0, stride);
      const p1 = weightOf(L, pair, 1, stride);
      const p2 = weightOf(L, pair, 2, stride);
      const p3 = weightOf(L, pair, 3, stride);
      // shuffles (w0 n0 w1 n1) (w2 n2 w3 n3) to (w0 w1 w2 w3) (n0 n1 n2 n3)
      const first = v128.load64_lane(p1, v128.load64_zero(p0), 1);
      const second = v128.load64_lane(p3, v128.load64_zero(p2), 1);
      let w = v128.shuffle<f32>(first, second, 0, 2, 4, 6);
      let n = v128.shuffle<f32>(first, second, 1, 3, 5, 7);
      const dScore = isFloat<X>() ? f32x4.mul(g, v128.load(pair + toValue)) : g;
      const grad = f32x4.add(dScore, f32x4.mul(l2, w));
      n = addSquare<v128>(n, grad);
      w = quickAdaGrad<v128>(w, grad, lr, n);
      const low = v128.shuffle<f32>(w, n, 0, 4, 1, 5);
      const high = v128.shuffle<f32>(w, n, 2, 6, 3, 7);
      v128.store64_lane(p0, low, 0);
      v128.store64_lane(p1, low, 1);
      v128.store64_lane(p2, high, 0);
      v128.store64_lane(p3, high, 1);
    }
    for (; pair < end; pair += 4) One.move<X>(thread, L, stride, pair, toValue, g, lr, l2);
  }
  stepRepeats<AdaGrad>(plan, thread);
}

// a static method, because TypeScript allows decorators, such as AssemblyScript's `@inline`, only in classes
class One {
  /** Takes the step of one pair's feature. Inlined, because function calls made the loop three times as slow. */
  @inline
  static move<X>(
    thread: Thread,
    L: usize,
    stride: usize,
    pair: usize,
    toValue: usize,
    g: v128,
    lr: v128,
    l2: v128,
  ): void {
    const id = load<u32>(pair);
    const p = L + <usize>id * stride;
    const w = v128.load32_zero(p);
    const dScore = isFloat<X>() ? f32x4.mul(g, v128.load32_splat(pair + toValue)) : g;
    const grad = f32x4.add(dScore, f32x4.mul(l2, w));
    if (isMarked(id)) {
      const sum = sumsOf(thread, Slot.of(thread, id, 4), 4);
      store<f32>(sum, load<f32>(sum) + f32x4.extract_lane(grad, 0));
    } else {
      const n = addSquare<v128>(v128.load32_zero(p + 4), grad);
      v128.store32_lane(p, quickAdaGrad<v128>(w, grad, lr, n), 0);
      v128.store32_lane(p + 4, n, 0);
    }
  }
}

function addToSum(thread: Thread, id: u32, grad: f32): void {
  const sum = sumsOf(thread, Slot.of(thread, id, 4), 4);
  store<f32>(sum, load<f32>(sum) + grad);
}

/**
 * Takes one step of the weight of each feature marked as repeated, on the sum of its gradients. The gradients of FTRL
 * are without L2, because its formula for w already contains L2.
 */
function stepRepeats<M>(plan: Plan, thread: Thread): void {
  for (let slot: u32 = 1; slot <= thread.numRepeats; slot++) {
    const feature = repeatAt(thread, slot).feature;
    const p = plan.linear + <usize>feature * plan.linearStride;
    const rates = ratesOf(plan, feature);
    const lr = plan.learningRate * (isSigned<M>() ? load<f32>(rates, 8) : 1);
    const sum = load<f32>(sumsOf(thread, slot, 4));
    if (sizeof<M>() == 2)
      stepFtrl(p, sum, lr, plan.l1Weight, isSigned<M>() ? load<f32>(rates) : plan.l2Weight);
    else step<M, f32>(p, 4, load<f32>(p), sum, lr);
  }
}

function updateLinear<X, M>(plan: Plan, thread: Thread): void {
  const numRows = thread.numRows;
  const ids = thread.ids;
  const toValue = thread.values - ids;
  const bytes = (<usize>thread.width) << 2;
  if (!isSummed<M>()) countRepeats(thread);
  let pair = ids;
  for (let r: usize = 0; r < numRows; r++) {
    const end = isFloat<X>() ? ids + ((<usize>load<u32>(thread.ends + (r << 2))) << 2) : pair + bytes;
    const g = load<f32>(thread.gradients + (r << 2));
    for (; pair < end; pair += 4) {
      const dScore = isFloat<X>() ? g * load<f32>(pair + toValue) : g;
      const feature = load<u32>(pair);
      const p = weightOf(plan.linear, pair, 0, plan.linearStride);
      const rates = ratesOf(plan, feature);
      const l2 = isSigned<M>() ? load<f32>(rates) : plan.l2Weight;
      // FTRL's formula contains L2
      const grad = sizeof<M>() == 2 ? dScore : dScore + l2 * load<f32>(p);
      if (isSummed<M>() && isMarked(feature)) {
        addToSum(thread, feature, grad);
        continue;
      }
      let lr = plan.learningRate;
      if (!isSummed<M>()) lr *= shareOf(plan, thread, feature);
      if (isSigned<M>()) lr *= load<f32>(rates, 8);
      if (sizeof<M>() == 2) stepFtrl(p, grad, lr, plan.l1Weight, l2);
      else step<M, f32>(p, 4, load<f32>(p), grad, lr);
    }
  }
  if (isSummed<M>()) stepRepeats<M>(plan, thread);
}

/** Returns whether a feature marked as repeated takes one step on the sum of its gradients (repeats.ts). */
function isSummed<M>(): bool {
  return sizeof<M>() == 2 || sizeof<M>() == 4;
}

function weightAt(plan: Plan, i: usize): usize {
  return plan.linear + i * plan.linearStride;
}

/** Sets every weight and its state to 0, except AdaGrad's accumulator, which it sets to 1. */
export function startWeights(plan: Plan): void {
  for (let i: usize = 0; i < plan.numFeatures; i++) {
    const p = weightAt(plan, i);
    memory.fill(p, 0, plan.linearBytes);
    if (plan.method == ADAGRAD) store<f32>(p, 1, 4);
  }
}

/** Copies the weights to w, f32[n]. @returns false when a weight is NaN or infinite */
export function exportWeights(plan: Plan, w: usize): bool {
  let check: f32 = 0; // x - x is 0 for a finite x, else NaN
  for (let i: usize = 0; i < plan.numFeatures; i++) {
    const value = load<f32>(weightAt(plan, i));
    check += value - value;
    store<f32>(w + (i << 2), value);
  }
  return check == 0;
}

export function importWeights(plan: Plan, w: usize): void {
  for (let i: usize = 0; i < plan.numFeatures; i++) {
    store<f32>(weightAt(plan, i), load<f32>(w + (i << 2)));
  }
}
