// The wide part: a sparse linear model over the row's features and crosses, by FTRL-proximal on the batch's sums.
//
//   wide   f32[numFeatures + numCrosses][4]: w, n, z and the batch's sum of gradients; first of features, then of
//          crosses
//
// Source: McMahan et al. 2013 (10.1145/2487575.2488200), algorithm 1, with beta = 1.

import { featureAt, firstPair, valueAt } from "../../shared/assembly/rows";
import { stepFtrl } from "../../shared/assembly/steps";
import { partOf, partStart } from "./parts";
import { MEASURE, NetPlan, NetRows } from "./plan";

export function wideScore(plan: NetPlan, rows: NetRows, row: u32): f32 {
  let score: f32 = 0;
  const end = firstPair(rows, row + 1);
  for (let j = firstPair(rows, row); j < end; j++) {
    score += load<f32>(weightOf(plan, featureAt(rows, j))) * valueAt(rows, j);
  }
  if (rows.crosses) {
    const crossEnd = firstPair(rows.crosses, row + 1);
    for (let j = firstPair(rows.crosses, row); j < crossEnd; j++) {
      score += load<f32>(weightOf(plan, plan.numFeatures + featureAt(rows.crosses, j)));
    }
  }
  return score;
}

function weightOf(plan: NetPlan, i: u32): usize {
  return plan.wide + ((<usize>i) << 4);
}

/**
 * Takes the step of the wide weights of a part; if `kept` is MEASURE, only computes the length of their gradients.
 *
 * @param first index in `rows` of the batch's first row
 * @param kept  factor of the gradients; 1 unless gradients are clipped
 * @returns the squared length of the part's summed gradients
 */
export function eachWeight(
  plan: NetPlan,
  rows: NetRows,
  part: u32,
  first: u32,
  numRows: u32,
  numBlocks: u32,
  kept: f32,
): f64 {
  const base = (<usize>firstPair(rows, first)) << 2;
  for (let b: u32 = 0; b < numBlocks; b++) {
    const end = partStart(plan, b, part + 1);
    for (let at = partStart(plan, b, part); at < end; at += 4) {
      const j = (<usize>load<u32>(at)) << 2;
      const gradient = load<f32>(plan.scoreGradients + ((<usize>load<u32>(plan.pairRows + j)) << 2));
      const value = rows.values ? load<f32>(rows.values + base + j) : 1;
      addGradient(weightOf(plan, load<u32>(rows.ids + base + j)), value * gradient);
    }
  }
  let squares: f64 = 0;
  for (let b: u32 = 0; b < numBlocks; b++) {
    const end = partStart(plan, b, part + 1);
    for (let at = partStart(plan, b, part); at < end; at += 4) {
      const j = (<usize>load<u32>(at)) << 2;
      squares += takeGradient(plan, weightOf(plan, load<u32>(rows.ids + base + j)), kept);
    }
  }
  if (rows.crosses) squares += eachCross(plan, rows, part, first, numRows, kept);
  return squares;
}

/** Like eachWeight, for crosses. Every part scans the crosses of all rows, because a row has few. */
function eachCross(plan: NetPlan, rows: NetRows, part: u32, first: u32, numRows: u32, kept: f32): f64 {
  const start = firstPair(rows.crosses, first);
  const end = firstPair(rows.crosses, first + numRows);
  let j = start;
  for (let r: u32 = 0; r < numRows; r++) {
    const gradient = load<f32>(plan.scoreGradients + ((<usize>r) << 2));
    const rowEnd = firstPair(rows.crosses, first + r + 1);
    for (; j < rowEnd; j++) {
      const cross = featureAt(rows.crosses, j);
      if (partOf(cross) == part) addGradient(weightOf(plan, plan.numFeatures + cross), gradient);
    }
  }
  let squares: f64 = 0;
  for (j = start; j < end; j++) {
    const cross = featureAt(rows.crosses, j);
    if (partOf(cross) == part) squares += takeGradient(plan, weightOf(plan, plan.numFeatures + cross), kept);
  }
  return squares;
}

function addGradient(weight: usize, gradient: f32): void {
  store<f32>(weight, load<f32>(weight, 12) + gradient, 12);
}

/**
 * Takes a weight's step, unless `kept` is MEASURE, and resets its sum, so that its next occurrence adds nothing.
 * @returns the square of the sum of gradients
 */
function takeGradient(plan: NetPlan, weight: usize, kept: f32): f64 {
  const gradient = load<f32>(weight, 12);
  if (gradient == 0) return 0;
  store<f32>(weight, 0, 12);
  if (kept != MEASURE) stepFtrl(weight, kept * gradient, plan.wideLearningRate, plan.wideL1, plan.wideL2);
  return <f64>gradient * <f64>gradient;
}
