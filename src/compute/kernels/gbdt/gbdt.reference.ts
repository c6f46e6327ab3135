// Reference of the kernel in assembly/: the same functions on plain arrays, with f64 sums instead of integers.
//
// A histogram is an array of sums by bin. Comments in assembly/ explain the rules taken from LightGBM.

import type { GbdtSplitOptions } from "./binding.js";
import { exp, log } from "../../../base/numeric/exp.js";
import { rowLoss } from "../../../base/numeric/losses.js";

/** Sums over the rows of a bin or of one side of a split. */
export interface ReferenceSums {
  g: number;
  h: number;
  count: number;
}

/** Returns the number of edges below x; `missing` if x is NaN. */
export function binNumber(x: number, edges: readonly number[], missing: number): number {
  return Number.isNaN(x) ? missing : edges.filter((edge) => edge < x).length;
}

/** Returns the loss whose derivative is `gradient`; of the squared loss, this is half of the reported loss. */
export function loss(score: number, label: number, squared: boolean): number {
  return squared ? rowLoss("squared", score, label) / 2 : rowLoss("logistic", score, label);
}

/**
 * Returns the loss whose derivative is `softmaxGradient`: log sum exp(s_k) - s_y, for the scores s of the classes and
 * the row's class y.
 */
export function softmaxLoss(scores: readonly number[], label: number): number {
  const most = Math.max(...scores);
  return log(scores.reduce((sum, score) => sum + exp(score - most), 0)) + most - scores[label]!;
}

/** Returns the sums of gradients, hessians and rows of each bin. */
export function histogram(
  bins: readonly number[],
  rows: readonly Omit<ReferenceSums, "count">[],
  numBins: number,
): ReferenceSums[] {
  const out = Array.from({ length: numBins }, () => ({ g: 0, h: 0, count: 0 }));
  bins.forEach((b, row) => {
    out[b]!.g += rows[row]!.g;
    out[b]!.h += rows[row]!.h;
    out[b]!.count++;
  });
  return out;
}

export function sumOf(parts: readonly ReferenceSums[]): ReferenceSums {
  return parts.reduce(add, { g: 0, h: 0, count: 0 });
}

function add(a: ReferenceSums, b: ReferenceSums): ReferenceSums {
  return { g: a.g + b.g, h: a.h + b.h, count: a.count + b.count };
}

function minus(a: ReferenceSums, b: ReferenceSums): ReferenceSums {
  return { g: a.g - b.g, h: a.h - b.h, count: a.count - b.count };
}

function leafGain({ g, h }: ReferenceSums, options: GbdtSplitOptions, more: number): number {
  const t = Math.max(0, Math.abs(g) - options.lambdaL1);
  const below = h + options.lambdaL2 + more;
  return below > 0 ? t ** 2 / below : 0;
}

/** Returns the gain of a split over its parent; undefined if one of the sides must not become a leaf. */
export function splitGain(
  left: ReferenceSums,
  right: ReferenceSums,
  options: GbdtSplitOptions,
  more = 0,
): number | undefined {
  const isLeaf = ({ h, count }: ReferenceSums) =>
    count >= options.minDataInLeaf && h >= options.minSumHessianInLeaf;
  if (!isLeaf(left) || !isLeaf(right)) return undefined;
  const parent = leafGain(add(left, right), options, 0) + options.minGainToSplit;
  return leafGain(left, options, more) + leafGain(right, options, more) - parent;
}

export interface NumericSplit {
  gain: number;
  bin: number;
  missingLeft: boolean;
  left: ReferenceSums;
  right: ReferenceSums;
}

/** Returns the best threshold, trying both sides for the missing values, which are in the last bin. */
export function bestNumeric(
  bins: readonly ReferenceSums[],
  options: GbdtSplitOptions,
): NumericSplit | undefined {
  const values = bins.slice(0, -1);
  const missing = bins.at(-1)!;
  const all = sumOf(bins);
  let best: NumericSplit | undefined;
  const sides = missing.count > 0 ? [true, false] : [true];
  for (const missingLeft of sides) {
    const thresholds = values.map((_, t) => t).slice(0, missingLeft ? -1 : undefined);
    for (const bin of missingLeft ? thresholds.toReversed() : thresholds) {
      const below = sumOf(values.slice(0, bin + 1));
      const left = missingLeft ? add(below, missing) : below;
      const right = minus(all, left);
      const gain = splitGain(left, right, options);
      if (gain !== undefined && gain > (best?.gain ?? 0)) best = { gain, bin, missingLeft, left, right };
    }
  }
  if (best && missing.count === 0) best.missingLeft = best.left.count >= best.right.count;
  return best;
}

export interface CategoricalSplit {
  gain: number;
  /** bins that go to the left side, ascending */
  left: number[];
  /** whether the L2 of the leaves includes catL2 */
  manyToMany: boolean;
}

/**
 * Returns the best set of bins for the left side: one category, or a prefix or suffix of the sorted categories. Bin 0
 * always goes right.
 */
export function bestCategorical(
  bins: readonly ReferenceSums[],
  options: GbdtSplitOptions,
): CategoricalSplit | undefined {
  const all = sumOf(bins);
  let best: CategoricalSplit | undefined;
  if (bins.length <= options.maxCatToOnehot) {
    bins.slice(1).forEach((own, i) => {
      const gain = splitGain(own, minus(all, own), options);
      if (gain !== undefined && gain > (best?.gain ?? 0)) best = { gain, left: [i + 1], manyToMany: false };
    });
    return best;
  }
  const key = ({ g, h }: ReferenceSums) => g / (h + options.catSmooth);
  const sorted = bins
    .map((own, bin) => ({ own, bin }))
    .slice(1)
    .filter(({ own }) => own.count > 0 && Math.round((own.h * all.count) / all.h) >= options.catSmooth)
    .sort((a, b) => key(a.own) - key(b.own));
  const most = Math.min(options.maxCatThreshold, Math.floor((sorted.length + 1) / 2));
  for (const order of [sorted, sorted.toReversed()]) {
    let group = 0;
    for (let size = 1; size <= most; size++) {
      const left = sumOf(order.slice(0, size).map(({ own }) => own));
      const right = minus(all, left);
      group += order[size - 1]!.own.count;
      const gain = splitGain(left, right, options, options.catL2);
      if (left.count < options.minDataInLeaf || left.h < options.minSumHessianInLeaf) continue;
      if (gain === undefined || right.count < options.minDataPerGroup) break;
      if (group < options.minDataPerGroup) continue;
      group = 0;
      if (gain <= (best?.gain ?? 0)) continue;
      const chosen = order.slice(0, size).map(({ bin }) => bin);
      best = { gain, left: chosen.sort((a, b) => a - b), manyToMany: true };
    }
  }
  return best;
}
