// The weights of all features, before training and on their way in and out; training moves them in linear.ts.

import { ADAGRAD } from "./methods";
import { Plan } from "./plan";

function weightAt(plan: Plan, i: usize): usize {
  return plan.linear + i * plan.linearStride;
}

/** Sets w to 0, and its state too, but for AdaGrad's n, which is 1. */
export function startWeights(plan: Plan): void {
  for (let i: usize = 0; i < plan.numFeatures; i++) {
    const p = weightAt(plan, i);
    memory.fill(p, 0, plan.linearBytes);
    if (plan.method == ADAGRAD) store<f32>(p, 1, 4);
  }
}

/** Copies them out. @param w f32[n] @returns false when one is NaN or infinite */
export function exportWeights(plan: Plan, w: usize): bool {
  let check: f32 = 0; // x - x is 0 for a finite x, else NaN
  for (let i: usize = 0; i < plan.numFeatures; i++) {
    const value = load<f32>(weightAt(plan, i));
    check += value - value;
    store<f32>(w + (i << 2), value);
  }
  return check == 0;
}

/** Copies them in; their state is left as it is. */
export function importWeights(plan: Plan, w: usize): void {
  for (let i: usize = 0; i < plan.numFeatures; i++) {
    store<f32>(weightAt(plan, i), load<f32>(w + (i << 2)));
  }
}
