// The options of train-gbdt. Names and defaults are LightGBM's, if it has the option.

import { UsageError } from "../../base/errors.js";
import { labels } from "../../training/shared-options/features.js";
import { everyday, log } from "../../training/shared-options/log.js";
import { threads } from "../../training/shared-options/reading.js";
import { checkRanges } from "../../options/check-given.js";
import {
  choice,
  custom,
  flag,
  list,
  number,
  numberOf,
  pick,
  resolved,
  share,
  text,
  whole,
  type Resolved,
  type Given,
  withCommon,
} from "../../options/table.js";
import { output, weekly } from "../../training/shared-options/weekly.js";
import { holdsOutRows } from "../../training/shared-options/split-options.js";

const MANY = 1_000_000;
const ANY = Number.MAX_VALUE;
export const MAX_PAIRS = 64;
const [model, training, columns] = ["Model:", "Training:", "Columns:"] as const;
const notNegative = { min: 0, max: ANY } as const;
const ofHead = { group: model, only: { head: ["lr"] } } as const;
/** Excludes an option together with --init, which keeps the earlier trees or changes only their leaves. */
const withoutInit = { init: true } as const;

const n = <const D extends number>(min: number, max: number, standard: D, help: string) =>
  whole({ min, max, default: standard, help, group: training });
const x = <const D extends number>(min: number, max: number, standard: D, help: string) =>
  number({ min, max, default: standard, help, group: training });

const growing = {
  grow: choice(["leaf", "depth"], {
    placeholder: "order",
    help: "tree growth order: leaf-wise (largest gain first) or level-wise (smallest depth first)",
    group: model,
    default: "leaf",
  }),
  boosting: choice(["gbdt", "goss"], {
    placeholder: "kind",
    help: "how to sample rows for each tree: all rows (or a bag of them), or by gradient (goss)",
    group: model,
    default: "gbdt",
  }),
  numTrees: whole({
    min: 1,
    max: MANY,
    help: "maximum number of trees",
    group: training,
    // --search tries small learning rates, which need many trees; with other rates, early stopping ends the training
    // sooner
    default: (_: unknown, { searches }: { searches?: boolean }): number => (searches ? 1000 : 100),
    shown: "100; with --search 1000",
  }),
  numLeaves: {
    ...n(2, 65_536, 31, "maximum number of leaves per tree"),
    search: { among: () => [7, 15, 31, 63, 127] },
  },
  learningRate: {
    ...x(1e-6, ANY, 0.1, "learning rate: scales the leaf values of each tree"),
    search: { span: 4 },
  },
  maxDepth: { ...n(0, MANY, 0, "maximum tree depth"), shown: "any" },
  maxBin: n(2, 255, 255, "maximum number of bins per numeric column"),
  binConstructSampleCnt: n(
    1,
    2 ** 25,
    200_000,
    "maximum number of rows used to choose bins; larger logs are sampled",
  ),
  minDataInLeaf: {
    ...n(1, 2 ** 25, 20, "minimum number of rows in a leaf"),
    search: { among: () => [5, 10, 20, 50, 100] },
  },
  minSumHessianInLeaf: x(0, ANY, 1e-3, "minimum sum of Hessians in a leaf"),
  lambdaL1: x(0, ANY, 0, "L1 regularization of leaf values"),
  lambdaL2: { ...x(0, ANY, 0, "L2 regularization of leaf values"), search: { among: () => [0, 1, 10, 100] } },
  minGainToSplit: x(0, ANY, 0, "minimum gain to make a split"),
  featureFraction: {
    ...x(1e-6, 1, 1, "share of columns to sample for each tree"),
    search: { among: () => [0.5, 0.7, 0.85, 1] },
  },
  baggingFraction: x(1e-6, 1, 1, "share of rows to sample for each tree; needs --bagging-freq"),
  baggingFreq: n(0, MANY, 0, "resample rows every n trees (bagging); 0 uses all rows"),
  topRate: x(0, 1, 0.2, "goss: share of rows with the largest gradients to keep for each tree"),
  otherRate: x(0, 1, 0.1, "goss: share of rows to sample from the remaining rows"),
  catSmooth: x(0, ANY, 10, "smoothing added to the counts of a category when categories are sorted"),
  catL2: x(0, ANY, 10, "additional L2 regularization for splits on more than --max-cat-to-onehot categories"),
  maxCatThreshold: n(1, MANY, 32, "maximum number of categories on the smaller side of a split"),
  maxCatToOnehot: n(1, MANY, 4, "use one-vs-rest splits for columns with at most this many categories"),
  minDataPerGroup: n(1, 2 ** 25, 100, "minimum number of rows per group of categories"),
  patience: n(
    0,
    MANY,
    20,
    "early stopping: number of trees without improvement of the validation loss before training stops; 0 " +
      "disables it",
  ),
  seed: n(0, 0xffffffff, 1, "random seed for sampling and splits"),
  ...threads,
} as const;

/** The defaults of penalty and prior were best on held-out rows (docs/algorithms/gbdt.md). */
const head = {
  head: choice(["lr"], {
    placeholder: "model",
    help: "fit a logistic regression on the leaf indices (GBDT+LR)",
    group: model,
  }),
  headSplit: share({
    ...{ ...ofHead, min: 0, max: 1, default: 0.3 },
    help: "share of training rows held out from the trees to fit the head on: the latest rows, or by hash",
  }),
  headL2: number({ ...ofHead, ...notNegative, default: 100, help: "L2 penalty on the head's weights" }),
  headMethod: choice(["lbfgs", "ftrl"], {
    ...{ ...ofHead, placeholder: "method", default: "lbfgs" },
    help: "solver for the logistic regression of --head: batch or online",
  }),
  headL1: number({
    ...{ ...ofHead, ...notNegative, default: 0 },
    help: "with --head-method ftrl: L1 penalty on the head's weights",
  }),
  crossFit: whole({
    ...{ ...ofHead, placeholder: "k", min: 2, max: MANY, not: withoutInit },
    help: "train and average k forests, each with a head fitted on its held-out fold; replaces --head-split",
  }),
} as const;

function parsePairs(given: string, flagName: string): number | "auto" {
  if (given === "auto") return given;
  if (given.includes("*"))
    throw new UsageError(
      `${flagName} expects auto or a number, got '${given}': name pairs with --ctr ${given}`,
    );
  return numberOf(given, flagName);
}

function pairsComplaint(value: number | "auto"): string | undefined {
  const isRight = value === "auto" || (Number.isInteger(value) && value >= 1 && value <= MAX_PAIRS);
  return isRight ? undefined : `auto or a whole number from 1 to ${MAX_PAIRS}`;
}

const targetStatistics = {
  ctr: list("columns", {
    help:
      "columns of high-cardinality ids to replace with the mean target of their earlier rows; user*hour adds the " +
      "mean target of a combination",
    group: columns,
    not: withoutInit,
  }),
  ctrPairs: custom(
    "n",
    { type: 'number | "auto"', parse: parsePairs, complaint: pairsComplaint },
    {
      help:
        "also add the mean target of up to n pairs of columns: those that are significant alone on the training split, and " +
        "those that make trees better together; auto: up to 8 of the former and 64 of the latter",
      group: columns,
      not: withoutInit,
    },
  ),
  ctrKeep: flag({
    group: columns,
    only: { ctr: true },
    help: "also keep the columns of --ctr as categories",
  }),
  ctrPrior: number({
    ...{ min: -ANY, max: ANY, group: columns, shown: "the mean target of the training rows" },
    help: "value for ids without rows",
  }),
  ctrPriorWeight: number({
    ...{ min: Number.MIN_VALUE, max: ANY, group: columns, shown: "1" },
    help: "weight of --ctr-prior, as a number of rows",
  }),
  ctrPermutations: whole({
    ...{ min: 1, max: 8, group: columns, shown: "4" },
    help: "with --ctr or --ctr-pairs: orders of the training rows to average mean targets over, if the log has no times",
  }),
} as const;

const vectors = {
  entity: text("column", {
    help: "also write a table with a vector for each key of this column, computed from the leaves of its rows",
    group: model,
  }),
  dim: whole({
    ...{ min: 1, max: 4096, group: model, shown: "16", only: { entity: true } },
    help: "embedding dimension for --entity",
  }),
  dense: whole({
    ...{ min: 1, max: MANY, group: model },
    help: "keep n singular vectors of the leaf matrix, used by transform --dense",
  }),
} as const;

export const options = withCommon(
  {
    ...log,
    task: choice(["binary", "regression", "multiclass"], {
      placeholder: "task",
      help: "prediction task",
      group: model,
      shown: "by label",
    }),
    positiveFrom: {
      ...pick(labels, "positiveFrom").positiveFrom,
      help: "convert labels to 0 and 1: x or more is 1",
    },
    ...head,
    ...targetStatistics,
    ...vectors,
    init: { ...weekly.init, help: "continue from the trees of an earlier run with the same columns" },
    refit: {
      ...weekly.refit,
      help: "after the metrics are measured, retrain on all rows, held-out ones too, for the chosen number of trees",
    },
    refitLeaves: flag({
      help: "with --init: add no trees, and fit the leaf values of that run's trees to this log",
      group: weekly.init.group,
      only: { init: true },
    }),
    refitDecay: share({
      min: 0,
      max: 1,
      help: "with --refit-leaves: share of the old value that a leaf keeps",
      group: weekly.init.group,
      // LightGBM's default
      shown: "0.9",
      only: { init: true, refitLeaves: true },
    }),
    search: { ...weekly.search, not: { refitLeaves: true } },
    metric: {
      ...weekly.metric,
      help: "metric by which --search compares settings; early stopping always uses the loss",
      only: { search: true },
    },
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
export type GbdtOptions = Resolved<typeof growing>;

export function defaultGbdtOptions(): GbdtOptions {
  return resolved(growing, {});
}

export function gbdtOptionsOf(given: GivenGbdt): GbdtOptions {
  const gbdt = resolved(growing, given, { searches: given.search !== undefined });
  checkGbdtOptions(gbdt);
  return gbdt;
}

export function checkGbdtOptions(gbdt: GbdtOptions): void {
  checkRanges(growing, gbdt);
  if (gbdt.baggingFraction < 1 && gbdt.baggingFreq === 0)
    throw new UsageError("--bagging-fraction needs --bagging-freq, such as --bagging-freq 1");
  const { boosting, baggingFreq, topRate, otherRate } = gbdt;
  if (boosting === "goss" && baggingFreq > 0)
    throw new UsageError("--boosting goss cannot be combined with --bagging-freq");
  if (boosting === "goss" && !(topRate + otherRate <= 1 && topRate > 0 && otherRate > 0))
    throw new UsageError(
      `--top-rate and --other-rate must be above 0 and sum to at most 1, got ${topRate} and ${otherRate}`,
    );
}

export type HeadOptions = Resolved<typeof head>;

/** Undefined without --head. @throws {UsageError} options cannot be combined, or labels are not 0 and 1 */
export function headOptionsOf(
  given: GivenGbdt,
  task: NonNullable<GivenGbdt["task"]>,
): HeadOptions | undefined {
  if (!given.head) return undefined;
  const options = resolved(head, given);
  if (task !== "binary") throw new UsageError("--head lr needs labels of 0 and 1");
  if (options.headL1 > 0 && options.headMethod !== "ftrl")
    throw new UsageError("--head-l1 needs --head-method ftrl: L-BFGS does not support L1 penalties");
  if (given.crossFit !== undefined && given.headSplit !== undefined)
    throw new UsageError("--head-split and --cross-fit cannot be combined");
  return options;
}

/** Share of its value that a refitted leaf keeps; undefined unless leaves of an earlier run are refitted. */
export function decayOf({
  init,
  refit,
  refitLeaves,
  refitDecay = 0.9,
  ...given
}: GivenGbdt): number | undefined {
  if (init !== undefined && refit && !holdsOutRows(given))
    throw new UsageError(
      "--refit retrains on held-out rows, and none are held out: to fit the leaf values of the trees of --init to " +
        "this log, use --refit-leaves",
    );
  return refitLeaves ? refitDecay : undefined;
}
