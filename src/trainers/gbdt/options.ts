// The options of train-gbdt. Names and defaults are LightGBM's where it has them.

import { UsageError } from "../../errors.js";
import { labels } from "../../training/options/features.js";
import { everyday, log } from "../../training/options/log.js";
import { threads } from "../../training/options/reading.js";
import {
  checkRanges,
  choice,
  flag,
  list,
  number,
  pick,
  resolved,
  share,
  text,
  whole,
  type Resolved,
  type Given,
  withCommon,
} from "../../training/options/table.js";
import { output, weekly } from "../../training/options/weekly.js";

const MANY = 1_000_000;
const ANY = Number.MAX_VALUE;
const [model, training, columns] = ["Model:", "Training:", "Columns:"] as const;
const ofHead = { head: ["lr"] } as const;

const n = <const D extends number>(min: number, max: number, standard: D, help: string) =>
  whole({ min, max, default: standard, help, group: training });
const x = <const D extends number>(min: number, max: number, standard: D, help: string) =>
  number({ min, max, default: standard, help, group: training });

/** How trees are grown. */
const growing = {
  grow: choice(["leaf", "depth"], {
    placeholder: "order",
    help: "which leaf is split next: of the greatest gain, or of the least depth",
    group: model,
    default: "leaf",
  }),
  boosting: choice(["gbdt", "goss"], {
    placeholder: "kind",
    help: "grow trees on all rows (or a bag of them), or on those of the greatest gradients",
    group: model,
    default: "gbdt",
  }),
  numTrees: n(1, MANY, 100, "maximum number of trees"),
  numLeaves: n(2, 65_536, 31, "maximum number of leaves a tree"),
  learningRate: x(1e-6, ANY, 0.1, "learning rate: factor of each tree's leaf values"),
  maxDepth: { ...n(0, MANY, 0, "maximum depth of a tree"), shown: "any" },
  maxBin: n(2, 255, 255, "maximum number of bins of a numeric column"),
  binConstructSampleCnt: n(1, 2 ** 25, 200_000, "maximum number of rows to find bins from; more are sampled"),
  minDataInLeaf: n(1, 2 ** 25, 20, "minimum number of rows in a leaf"),
  minSumHessianInLeaf: x(0, ANY, 1e-3, "minimum sum of second derivatives of the loss in a leaf"),
  lambdaL1: x(0, ANY, 0, "L1 on leaf values"),
  lambdaL2: x(0, ANY, 0, "L2 on leaf values"),
  minGainToSplit: x(0, ANY, 0, "minimum gain of a split"),
  featureFraction: x(1e-6, 1, 1, "share of the columns to draw for each tree"),
  baggingFraction: x(1e-6, 1, 1, "share of the rows that a tree is grown on; needs --bagging-freq"),
  baggingFreq: n(0, MANY, 0, "draw the rows of --bagging-fraction anew every n trees; 0 uses all rows"),
  topRate: x(0, 1, 0.2, "goss: share of the rows, of the greatest gradients, that each tree is grown on"),
  otherRate: x(0, 1, 0.1, "goss: share of the rows that are drawn from the others"),
  catSmooth: x(0, ANY, 10, "rows added to each category when categories are sorted"),
  catL2: x(0, ANY, 10, "L2 added for splits between many categories"),
  maxCatThreshold: n(1, MANY, 32, "maximum number of categories on the smaller side of a split"),
  maxCatToOnehot: n(1, MANY, 4, "up to this many categories, splits separate one category from the others"),
  minDataPerGroup: n(1, 2 ** 25, 100, "minimum number of rows in a group of categories"),
  patience: n(
    0,
    MANY,
    20,
    "early stopping: trees without a better validation loss before training stops; 0 never stops early",
  ),
  seed: n(0, 0xffffffff, 1, "random seed of samples and splits"),
  ...threads,
} as const;

/** A logistic regression on the leaves. Penalty and prior served best on held-out rows (docs/algorithms/gbdt.md). */
const head = {
  head: choice(["lr"], {
    placeholder: "model",
    help: "fit a logistic regression on the leaf indices (GBDT+LR)",
    group: model,
  }),
  headSplit: share({
    min: 0,
    max: 1,
    help: "training rows that the head is fitted on and the trees are not: the latest, or by hash",
    group: model,
    default: 0.3,
    only: ofHead,
  }),
  headL2: number({
    min: 0,
    max: ANY,
    help: "L2 on the head's weights",
    group: model,
    default: 100,
    only: ofHead,
  }),
  headPrior: choice(["zero", "leaf-values"], {
    placeholder: "prior",
    help: "with --head: values that its weights are shrunk towards",
    group: model,
    default: "leaf-values",
    only: ofHead,
  }),
  headMethod: choice(["lbfgs", "ftrl"], {
    placeholder: "method",
    help: "how the logistic regression of --head is fitted: all rows at once, or row by row",
    group: model,
    default: "lbfgs",
    only: ofHead,
  }),
  headL1: number({
    min: 0,
    max: ANY,
    help: "with --head-method ftrl: L1 penalty on the head's weights",
    group: model,
    default: 0,
    only: ofHead,
  }),
  crossFit: whole({
    placeholder: "k",
    min: 2,
    max: MANY,
    help: "k forests, each with a head on the fold that it has not seen, averaged; in place of --head-split",
    group: model,
    only: ofHead,
  }),
} as const;

/** Ids of many values. */
const targetStatistics = {
  ctr: list("columns", {
    help: "replace ids of many values by the mean target of their earlier rows",
    group: columns,
  }),
  ctrKeep: flag({ help: "keep the columns of --ctr as categories too", group: columns, only: { ctr: true } }),
  ctrPrior: number({
    min: -ANY,
    max: ANY,
    help: "value of an id without rows",
    group: columns,
    shown: "the mean of the training rows",
    only: { ctr: true },
  }),
  ctrPriorWeight: number({
    min: Number.MIN_VALUE,
    max: ANY,
    help: "weight of --ctr-prior, as a number of rows",
    group: columns,
    shown: "1",
    only: { ctr: true },
  }),
} as const;

/** What is made of the leaves. */
const vectors = {
  entity: text("column", {
    help: "also write a table of vectors, one for each key of this column, from the leaves of its rows",
    group: model,
  }),
  dim: whole({
    min: 1,
    max: 4096,
    help: "length of the vectors of --entity",
    group: model,
    shown: "16",
    only: { entity: true },
  }),
  dense: whole({
    min: 1,
    max: MANY,
    help: "keep n singular vectors of the rows' leaves, which transform --dense multiplies new rows by",
    group: model,
  }),
} as const;

/** Every option of the command. */
export const options = withCommon(
  {
    ...log,
    task: choice(["binary", "regression", "multiclass"], {
      placeholder: "task",
      help: "prediction task",
      group: model,
      shown: "by the labels",
    }),
    positiveFrom: {
      ...pick(labels, "positiveFrom").positiveFrom,
      help: "turn labels into 0 and 1: x or more is 1",
    },
    ...head,
    ...targetStatistics,
    ...vectors,
    init: { ...weekly.init, help: "continue from the trees of an earlier run of the same columns" },
    refit: {
      ...weekly.refit,
      help: "with --init: fit the leaves of that run's trees to this log; else, after early stopping, train once more on all rows",
    },
    refitDecay: share({
      min: 0,
      max: 1,
      help: "share of its value that a leaf keeps under --init --refit",
      group: weekly.init.group,
      // LightGBM's
      shown: "0.9",
      only: { init: true, refit: true },
    }),
    checkpointEvery: {
      ...weekly.checkpointEvery,
      help: "save a checkpoint beside the run every n trees",
    },
    resume: weekly.resume,
    onInterrupt: {
      ...weekly.onInterrupt,
      help: "on Ctrl-C or SIGTERM: abort without output, or save the best number of trees so far as a run",
    },
    ...growing,
    ...output,
  } as const,
  [
    ...everyday,
    "label",
    "task",
    "positiveFrom",
    "head",
    "entity",
    "init",
    "numTrees",
    "numLeaves",
    "learningRate",
    "minDataInLeaf",
    "seed",
    "patience",
  ],
);

export type GivenGbdt = Given<typeof options>;
/** How trees are grown, as a training has it. */
export type GbdtOptions = Resolved<typeof growing>;

/** The defaults. */
export function defaultGbdtOptions(): GbdtOptions {
  return resolved(growing, {});
}

/** How trees are grown: what the user set, else the defaults. @throws {UsageError} two do not go together */
export function gbdtOptionsOf(given: GivenGbdt): GbdtOptions {
  const gbdt = resolved(growing, given);
  checkGbdtOptions(gbdt);
  return gbdt;
}

/** @throws {UsageError} an option is outside its range, or two do not go together */
export function checkGbdtOptions(gbdt: GbdtOptions): void {
  checkRanges(growing, gbdt);
  if (gbdt.baggingFraction < 1 && gbdt.baggingFreq === 0)
    throw new UsageError("--bagging-fraction needs --bagging-freq, such as --bagging-freq 1");
  const { boosting, baggingFreq, topRate, otherRate } = gbdt;
  if (boosting === "goss" && baggingFreq > 0)
    throw new UsageError("--boosting goss draws rows by their gradients: leave --bagging-freq out");
  if (boosting === "goss" && !(topRate + otherRate <= 1 && topRate > 0 && otherRate > 0))
    throw new UsageError(
      `--top-rate and --other-rate are shares above 0 of at most 1 in all, got ${topRate} and ${otherRate}`,
    );
}

/** How the head, a logistic regression on the leaves, is fitted. */
export interface HeadOptions {
  /** share of the training rows that it is fitted on, and the trees are not */
  split: number;
  l2: number;
  /** for ftrl */
  l1: number;
  method: "lbfgs" | "ftrl";
  /** forests with a head each, which are averaged; 1 for a single one */
  crossFit: number;
  prior: "zero" | "leaf-values";
  iterations: number;
}

/** Those of the head, if there is to be one. @throws {UsageError} options do not go together, or labels are no classes */
export function headOptionsOf(
  given: GivenGbdt,
  task: NonNullable<GivenGbdt["task"]>,
): HeadOptions | undefined {
  if (!given.head) return undefined;
  const { headSplit: split, headL2, headL1, headMethod, headPrior } = resolved(head, given);
  if (task !== "binary") throw new UsageError("--head lr is for labels of 0 and 1");
  if (headL1 > 0 && headMethod !== "ftrl")
    throw new UsageError("--head-l1 goes with --head-method ftrl: L-BFGS is for smooth penalties");
  const { crossFit = 1 } = given;
  if (crossFit > 1 && given.headSplit !== undefined)
    throw new UsageError(
      "--head-split is the share of one head, and --cross-fit has a head for each fold: use one of them",
    );
  return { split, l2: headL2, l1: headL1, method: headMethod, prior: headPrior, crossFit, iterations: 100 };
}

/** Share of its value that a leaf keeps, where leaves are fitted anew. @throws {UsageError} options do not go together */
export function decayOf({ init, refit, refitDecay = 0.9, crossFit = 1 }: GivenGbdt): number | undefined {
  if (crossFit > 1 && (init !== undefined || refit === true))
    throw new UsageError("--cross-fit grows forests of its own: leave --init and --refit out");
  return init !== undefined && refit === true ? refitDecay : undefined;
}
