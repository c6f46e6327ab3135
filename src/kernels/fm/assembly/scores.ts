// Computes scores and gradients from a batch's partial scores; every thread computes all of them.

import { lossGradient4 } from "../../shared/assembly/loss";
import { adaGrad } from "../../shared/assembly/steps";
import { BATCH_ROWS, Plan, Thread } from "./plan";

/**
 * Adds up the partial scores of each row r: writes w0 + partial[0][r] + ... + partial[J][r], added in this order, to
 * partial[0].
 */
export function combine(plan: Plan, thread: Thread, partials: usize, scores: usize): void {
  for (let r: usize = 0; r < thread.numRows; r += 4) {
    let score = f32x4.splat(thread.bias);
    for (let j: usize = 0; j <= plan.numSlices; j++) {
      score = f32x4.add(score, v128.load(partials + ((j * BATCH_ROWS + r) << 2)));
    }
    v128.store(scores + (r << 2), score);
  }
}

/** Replaces scores by dLoss/dscore times the row's weight, and takes one AdaGrad step of the bias on their mean. */
export function scoresToGradients(plan: Plan, thread: Thread): void {
  const gradients = thread.gradients;
  for (let r: usize = 0; r < thread.numRows; r += 4) {
    const s = v128.load(gradients + (r << 2));
    const y = v128.load(thread.labels + (r << 2));
    let g = lossGradient4(s, y, plan.squared != 0);
    if (thread.weights) g = f32x4.mul(g, v128.load(thread.weights + (r << 2)));
    v128.store(gradients + (r << 2), g);
  }
  let sum: f64 = 0;
  for (let r: usize = 0; r < thread.numRows; r++) sum += <f64>load<f32>(gradients + (r << 2));
  const mean = <f32>(sum / <f64>thread.numRows);
  thread.biasAccumulator += mean * mean;
  thread.bias = adaGrad<f32>(thread.bias, mean, plan.learningRate, thread.biasAccumulator);
}
