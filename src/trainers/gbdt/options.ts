// Every hyperparameter of train-gbdt: default, range and help text, declared once. Names and defaults are LightGBM's where
// it has them.

import { availableParallelism } from "node:os";
import { UsageError } from "../../errors.js";
import { checkRanges } from "../../training/check-ranges.js";

const defaults = {
  numTrees: 100,
  numLeaves: 31,
  learningRate: 0.1,
  maxDepth: 0,
  maxBin: 255,
  binConstructSampleCnt: 200_000,
  minDataInLeaf: 20,
  minSumHessianInLeaf: 1e-3,
  lambdaL1: 0,
  lambdaL2: 0,
  minGainToSplit: 0,
  featureFraction: 1,
  baggingFraction: 1,
  baggingFreq: 0,
  topRate: 0.2,
  otherRate: 0.1,
  catSmooth: 10,
  catL2: 10,
  maxCatThreshold: 32,
  maxCatToOnehot: 4,
  minDataPerGroup: 100,
  patience: 20,
  seed: 1,
};

export interface GbdtOptions extends Record<keyof typeof defaults, number> {
  threads: number;
  grow: "leaf" | "depth";
  boosting: (typeof boostings)[number];
}

/** Which rows trees are grown on: all or a bag of them, or those of the greatest gradients and a share of the others. */
export const boostings = ["gbdt", "goss"] as const;

/** A number that a user may set. */
export interface Hyperparameter {
  name: Exclude<keyof GbdtOptions, "grow" | "boosting">;
  /** as the help shows it */
  default: string;
  help: string;
  integer: boolean;
  /** the allowed range, both ends included */
  min: number;
  max: number;
}

const MANY = 1_000_000;
const ANY = Number.MAX_VALUE;

const whole = (
  name: Hyperparameter["name"],
  min: number,
  max: number,
  help: string,
  standard?: string,
): Hyperparameter => ({
  name,
  default: standard ?? String(defaults[name as keyof typeof defaults]),
  help,
  integer: true,
  min,
  max,
});

const number = (name: keyof typeof defaults, min: number, max: number, help: string): Hyperparameter => ({
  name,
  default: String(defaults[name]),
  help,
  integer: false,
  min,
  max,
});

/** What a user may set, in the order of the help; `grow` and `boosting` are flags of their own. */
export const hyperparameters: readonly Hyperparameter[] = [
  whole("numTrees", 1, MANY, "trees, at most"),
  whole("numLeaves", 2, 65536, "leaves a tree, at most"),
  number("learningRate", 1e-6, ANY, "what leaf values are multiplied by"),
  whole("maxDepth", 0, MANY, "levels a tree, at most", "any"),
  whole("maxBin", 2, 255, "ranges that a numeric column is cut into, at most"),
  whole(
    "binConstructSampleCnt",
    1,
    2 ** 25,
    "rows that these ranges are found from, at most; a sample of more",
  ),
  whole("minDataInLeaf", 1, 2 ** 25, "rows a leaf, at least"),
  number("minSumHessianInLeaf", 0, ANY, "sum of the loss's second derivatives in a leaf, at least"),
  number("lambdaL1", 0, ANY, "L1 on leaf values"),
  number("lambdaL2", 0, ANY, "L2 on leaf values"),
  number("minGainToSplit", 0, ANY, "gain of a split, at least"),
  number("featureFraction", 1e-6, 1, "share of the columns that a tree may use"),
  number("baggingFraction", 1e-6, 1, "share of the rows that a tree is grown on; needs --bagging-freq"),
  whole("baggingFreq", 0, MANY, "trees between two draws of these rows; 0 uses all rows"),
  number("topRate", 0, 1, "goss: share of the rows, of the greatest gradients, that each tree is grown on"),
  number("otherRate", 0, 1, "goss: share of the rows that are drawn from the others"),
  number("catSmooth", 0, ANY, "rows added to each category when categories are sorted"),
  number("catL2", 0, ANY, "L2 added for splits between many categories"),
  whole("maxCatThreshold", 1, MANY, "categories on the smaller side of a split, at most"),
  whole("maxCatToOnehot", 1, MANY, "categories up to which one is split from all others"),
  whole("minDataPerGroup", 1, 2 ** 25, "rows a group of categories, at least"),
  whole("patience", 0, MANY, "trees without a better validation loss before stopping; 0 never stops early"),
  whole("seed", 0, 0xffffffff, "of samples and splits"),
  whole(
    "threads",
    1,
    1024,
    "threads at most; the result is the same bytes at any number",
    "as many as cores",
  ),
];

/** The defaults. */
export function defaultGbdtOptions(): GbdtOptions {
  return { ...defaults, threads: availableParallelism(), grow: "leaf", boosting: "gbdt" };
}

/** @throws {UsageError} an option is outside its range, or two do not go together */
export function checkGbdtOptions(options: GbdtOptions): void {
  checkRanges(hyperparameters, options);
  if (options.baggingFraction < 1 && options.baggingFreq === 0)
    throw new UsageError("--bagging-fraction needs --bagging-freq, such as --bagging-freq 1");
  const { boosting, baggingFreq, topRate, otherRate } = options;
  if (boosting === "goss" && baggingFreq > 0)
    throw new UsageError("--boosting goss draws rows by their gradients: leave --bagging-freq out");
  if (boosting === "goss" && !(topRate + otherRate <= 1 && topRate > 0 && otherRate > 0))
    throw new UsageError(
      `--top-rate and --other-rate are shares above 0 of at most 1 in all, got ${topRate} and ${otherRate}`,
    );
}

/** What the head's weights are drawn to. */
export const headPriors = ["zero", "leaf-values"] as const;

/** How the head is fitted: all rows at once, or a row at a time. */
export const headMethods = ["lbfgs", "ftrl"] as const;

/** How the head, a logistic regression on the leaves, is fitted. */
export interface HeadOptions {
  /** share of the training rows that it is fitted on, and the trees are not */
  split: number;
  l2: number;
  /** for ftrl */
  l1: number;
  method: (typeof headMethods)[number];
  /** forests with a head each, which are averaged; 1 for a single one */
  crossFit: number;
  prior: (typeof headPriors)[number];
  iterations: number;
}

/** Penalty and prior that served best on held-out rows (docs/algorithms/gbdt.md). */
export const defaultHead: HeadOptions = {
  split: 0.3,
  l2: 100,
  l1: 0,
  method: "lbfgs",
  crossFit: 1,
  prior: "leaf-values",
  iterations: 100,
};
