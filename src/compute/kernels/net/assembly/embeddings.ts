// Takes one AdaGrad step for each embedding of the batch, on the sum of its gradients over the batch.
//
// Parts have disjoint sets of features, and one thread processes a part, so that no two threads update the same
// embedding. Gradients are added up in the order of the pairs: a feature's first pair takes a slot, further pairs are
// added to it, and then each slot takes its step.

import { sumOfSquares } from "../../shared/assembly/dense/weights";
import { firstPair } from "../../shared/assembly/rows";
import { adaGrad, addSquare } from "../../shared/assembly/steps";
import { firstLanes } from "../../shared/assembly/vector";
import { partStart } from "./parts";
import { MEASURE, NetPlan, NetRows, NetThread } from "./plan";
import { touchHeld } from "./gather";

/**
 * Takes one step for the embeddings of a part; if `kept` is MEASURE, only computes the length of their gradients.
 *
 * @param first index in `rows` of the batch's first row
 * @param kept  factor of the gradients without the penalty; 1 unless gradients are clipped
 * @returns with MEASURE the squared length of the part's summed gradients
 */
export function eachEmbedding(
  plan: NetPlan,
  thread: NetThread,
  rows: NetRows,
  part: u32,
  first: u32,
  numBlocks: u32,
  kept: f32,
): f64 {
  const numHeld = sumEmbeddings(plan, thread, rows, part, first, numBlocks);
  if (kept == MEASURE) return sumOfSquares(thread.sums, <usize>(numHeld * plan.paddedWidth));
  touchHeld(plan, thread, numHeld);
  for (let slot: u32 = 0; slot < numHeld; slot++) {
    const at = (<usize>slot) << 2;
    const count = load<f32>(thread.counts + at);
    const feature = load<u32>(thread.held + at);
    const perKey = plan.keyPenalties ? load<f32>(plan.keyPenalties + ((<usize>feature) << 2)) : 0;
    step(plan, feature, sumAt(plan, thread, slot), kept, plan.embeddingL2 * count, perKey * count);
  }
  return 0;
}

/**
 * Writes the sum of the gradients, padded with zeros, and the number of pairs of each feature of a part in the batch.
 * @returns number of features with a sum
 */
function sumEmbeddings(
  plan: NetPlan,
  thread: NetThread,
  rows: NetRows,
  part: u32,
  first: u32,
  numBlocks: u32,
): u32 {
  const base = (<usize>firstPair(rows, first)) << 2;
  let numHeld: u32 = 0;
  for (let b: u32 = 0; b < numBlocks; b++) {
    const end = partStart(plan, b, part + 1);
    for (let at = partStart(plan, b, part); at < end; at += 4) {
      const j = (<usize>load<u32>(at)) << 2;
      const feature = load<u32>(rows.ids + base + j);
      const value = rows.values ? load<f32>(rows.values + base + j) : 1;
      const source = plan.inputGradients + ((<usize>load<u32>(plan.places + j)) << 2);
      const slotAt = plan.slots + ((<usize>feature) << 2);
      const slot = load<u32>(slotAt);
      if (slot) {
        addGradient(plan, sumAt(plan, thread, slot - 1), source, value, true);
        const count = thread.counts + ((<usize>(slot - 1)) << 2);
        store<f32>(count, load<f32>(count) + 1);
      } else {
        addGradient(plan, sumAt(plan, thread, numHeld), source, value, false);
        store<u32>(thread.held + ((<usize>numHeld) << 2), feature);
        store<f32>(thread.counts + ((<usize>numHeld) << 2), 1);
        store<u32>(slotAt, ++numHeld);
      }
    }
  }
  const last = lastMask(plan.width);
  const end = ((<usize>plan.paddedWidth) << 2) - 16;
  for (let slot: u32 = 0; slot < numHeld; slot++) {
    const feature = load<u32>(thread.held + ((<usize>slot) << 2));
    store<u32>(plan.slots + ((<usize>feature) << 2), 0);
    // gradients are added in groups of four floats, and behind a field's derivatives in memory are those of the next
    // field: they have been added to the lanes beyond the embedding's width W, which are therefore reset to 0
    const sum = sumAt(plan, thread, slot) + end;
    v128.store(sum, v128.and(v128.load(sum), last));
  }
  return numHeld;
}

function sumAt(plan: NetPlan, thread: NetThread, slot: u32): usize {
  return thread.sums + ((<usize>(slot * plan.paddedWidth)) << 2);
}

/**
 * Adds the gradient of a pair to the feature's sum; for the feature's first pair, writes it. It is the value times the
 * derivative of the loss by the input of the pair's field.
 */
function addGradient(plan: NetPlan, sum: usize, source: usize, value: f32, adds: bool): void {
  const bytes = (<usize>plan.paddedWidth) << 2;
  const x = f32x4.splat(value);
  for (let k: usize = 0; k < bytes; k += 16) {
    const g = f32x4.mul(x, v128.load(source + k));
    v128.store(sum + k, adds ? f32x4.add(v128.load(sum + k), g) : g);
  }
}

/**
 * Takes a step of one embedding; the padding stays 0.
 *
 * @param penalty L2 times the number of the feature's pairs, added to the gradient
 * @param perKey individual L2 factor times the number of pairs, for a proximal step after that of the gradient, which
 *   is stable for large penalties: Duchi et al. 2011, section 5.2
 */
function step(plan: NetPlan, feature: u32, sum: usize, kept: f32, penalty: f32, perKey: f32): void {
  const bytes = (<usize>plan.paddedWidth) << 2;
  const lr = f32x4.splat(plan.embeddingLearningRate);
  const v = plan.embeddings + ((<usize>feature * plan.embeddingPitch) << 2);
  const share = f32x4.splat(kept);
  const l2 = f32x4.splat(penalty);
  for (let k: usize = 0; k < bytes; k += 16) {
    const e = v128.load(v + k);
    const g = f32x4.add(f32x4.mul(share, v128.load(sum + k)), f32x4.mul(l2, e));
    const n = addSquare<v128>(v128.load(v + bytes + k), g);
    v128.store(v + bytes + k, n);
    const moved = adaGrad<v128>(e, g, lr, n);
    v128.store(v + k, perKey > 0 ? shrunk(moved, lr, n, perKey) : moved);
  }
}

/** Returns the p that minimizes (p - e)^2 / 2 + step (penalty / 2) p^2, for AdaGrad's step length lr / sqrt(n). */
function shrunk(e: v128, lr: v128, n: v128, penalty: f32): v128 {
  const step = f32x4.div(lr, f32x4.sqrt(n));
  return f32x4.div(e, f32x4.add(f32x4.splat(1), f32x4.mul(step, f32x4.splat(penalty))));
}

/** Returns a mask for the last four floats of an embedding: ones in the lanes below W. */
function lastMask(width: u32): v128 {
  return firstLanes(((width - 1) & 3) + 1);
}
