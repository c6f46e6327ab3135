// The wide part: a sparse linear model over the row's features and crosses, by FTRL-proximal on the batch's sums.
//
//   f32[numFeatures + numCrosses][4]: w, n, z, the batch's sum of gradients; of features first, then of crosses
//
// Source: McMahan et al. 2013 (10.1145/2487575.2488200), algorithm 1, with beta = 1.

import { featureAt, firstPair, valueAt } from "../../shared/assembly/rows";
import { stepFtrl } from "../../shared/assembly/steps";
import { partStart } from "./parts";
import { NetPlan, NetRows, PARTS } from "./plan";

/** The row's part of the score. */
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

/** One step of each weight of the part that the batch holds. @param first the batch's first row of `rows` */
export function stepWide(
  plan: NetPlan,
  rows: NetRows,
  part: u32,
  first: u32,
  numRows: u32,
  numBlocks: u32,
): void {
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
  for (let b: u32 = 0; b < numBlocks; b++) {
    const end = partStart(plan, b, part + 1);
    for (let at = partStart(plan, b, part); at < end; at += 4) {
      const j = (<usize>load<u32>(at)) << 2;
      moveWeight(plan, weightOf(plan, load<u32>(rows.ids + base + j)));
    }
  }
  if (rows.crosses) stepCrosses(plan, rows, part, first, numRows);
}

/** The same of crosses, which are few a row: each part reads all of them. */
function stepCrosses(plan: NetPlan, rows: NetRows, part: u32, first: u32, numRows: u32): void {
  const start = firstPair(rows.crosses, first);
  const end = firstPair(rows.crosses, first + numRows);
  let j = start;
  for (let r: u32 = 0; r < numRows; r++) {
    const gradient = load<f32>(plan.scoreGradients + ((<usize>r) << 2));
    const rowEnd = firstPair(rows.crosses, first + r + 1);
    for (; j < rowEnd; j++) {
      const cross = featureAt(rows.crosses, j);
      if ((cross & (PARTS - 1)) == part) addGradient(weightOf(plan, plan.numFeatures + cross), gradient);
    }
  }
  for (j = start; j < end; j++) {
    const cross = featureAt(rows.crosses, j);
    if ((cross & (PARTS - 1)) == part) moveWeight(plan, weightOf(plan, plan.numFeatures + cross));
  }
}

function addGradient(weight: usize, gradient: f32): void {
  store<f32>(weight, load<f32>(weight, 12) + gradient, 12);
}

/** Moves a weight whose sum is not 0, and clears the sum: one that comes again has moved. */
function moveWeight(plan: NetPlan, weight: usize): void {
  const gradient = load<f32>(weight, 12);
  if (gradient == 0) return;
  store<f32>(weight, 0, 12);
  stepFtrl(weight, gradient, plan.wideLearningRate, plan.wideL1, plan.wideL2);
}
