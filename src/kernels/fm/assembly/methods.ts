// The codes of the methods, and the state that a parameter starts with.

import { Plan } from "./plan";

export const ADAGRAD: u32 = 0;
export const SGD: u32 = 1;
export const FTRL: u32 = 2;
export const ADAM: u32 = 3;

/** The state of one dimension of v, `apart` bytes from one number to the next: AdaGrad's n is 1, Adam's are 0. */
export function startState(plan: Plan, p: usize, apart: usize): void {
  if (plan.method == SGD) return;
  store<f32>(p + apart, plan.method == ADAM ? 0 : 1);
  if (plan.method != ADAM) return;
  store<f32>(p + 2 * apart, 0);
  store<f32>(p + 3 * apart, 0);
}
