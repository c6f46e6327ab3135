// Where what belongs to a slice lies, and how much of the slice dim has.

import { BATCH_ROWS, Plan } from "./plan";

/** Address of v of the first feature; plan.featureStride further, of the next. */
export function sliceAt(plan: Plan, j: u32): usize {
  return <usize>load<u32>(plan.slices + ((<usize>j) << 2));
}

/** Address of the accumulator of the first feature; accumulatorStride further, of the next. */
export function accumulatorAt(plan: Plan, j: u32): usize {
  return <usize>load<u32>(plan.accumulators + ((<usize>j) << 3));
}

export function accumulatorStride(plan: Plan, j: u32): usize {
  return <usize>load<u32>(plan.accumulators + ((<usize>j) << 3), 4);
}

/** Address of S, f32[B][K]; behind it that of the next slice. */
export function sumsAt(plan: Plan, j: u32): usize {
  return plan.sums + <usize>j * BATCH_ROWS * ((<usize>plan.sliceWidth) << 2);
}

/** Dimensions of the slice below dim. */
export function usedOf(plan: Plan, j: u32): u32 {
  return min(plan.sliceWidth, plan.dim - j * plan.sliceWidth);
}
