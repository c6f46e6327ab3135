// The methods of a machine's parameters as types (../../shared/assembly/steps.ts): a signed one has the L2 and the rate of each
// feature in Plan.rates.

import { Plan } from "./plan";

export type RatedSgd = i8;
export type RatedAdaGrad = i32;
export type RatedAdam = i64;

/** Where a feature's own rates lie: l2 of w, l2 of v, and what its learning rate is multiplied by. */
export function ratesOf(plan: Plan, feature: u32): usize {
  return plan.rates + ((<usize>feature) << 4);
}
