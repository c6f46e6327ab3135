// Every hyperparameter of train-fm: default, range and help text, declared once.

import { availableParallelism } from "node:os";
import { flagOf, UsageError } from "../../errors.js";
import { checkRanges, threadsOption } from "../../training/check-ranges.js";

export const models = ["fm", "lr", "ffm"] as const;
export const methods = ["adagrad", "sgd", "ftrl", "adam", "als", "mcmc"] as const;
export const tasks = ["binary", "regression", "ranking", "implicit"] as const;

/** of --method als and mcmc, for labels of 0 and 1 */
export const binaryLinks = ["logit", "probit"] as const;

/** of --method mcmc: whose parameters share a normal prior in each dimension */
export const priorGroups = ["field", "all"] as const;

export type Model = (typeof models)[number];
export type Method = (typeof methods)[number];
export type FmTask = (typeof tasks)[number];

export interface FmOptions {
  model: Model;
  method: Method;
  dim: number;
  epochs: number;
  learningRate: number;
  /** the rate of epoch e is learningRate / (1 + learningRateDecay (e - 1)) */
  learningRateDecay: number;
  /** share of the negatives that training sees; scores are corrected for it */
  negativeDownsampling: number;
  l1Weight: number;
  l2Weight: number;
  l2Vector: number;
  /** by field: the L2 of its weights and vectors in place of the two above */
  l2Field: Record<string, number>;
  /** divides each row's values by their Euclidean norm; field-aware machines only */
  normalizeRows: boolean;
  seed: number;
  threads: number;
  shuffle: boolean;
  patience: number;
  minDelta: number;
  /** MCMC: sweeps before the first draw that may be kept, and how many draws are kept */
  burnIn: number;
  draws: number;
  /** ALS and MCMC: what turns a score into the probability of a label 1 */
  link: (typeof binaryLinks)[number];
  /** MCMC: whose parameters share a prior, those of a field or all */
  priorOf: (typeof priorGroups)[number];
  /** MCMC: what the scores of the table are multiplied by, where an earlier training chose it; no flag of its own */
  tableScale?: number;
  loss: "logistic" | "squared";
  /** of --task implicit: trainers/als/options.ts */
  unobservedWeight?: number;
  l2Exponent?: number;
}

/** A number that a user may set. */
export interface Hyperparameter {
  name: Exclude<
    keyof FmOptions,
    | "model"
    | "method"
    | "l2Field"
    | "normalizeRows"
    | "shuffle"
    | "link"
    | "priorOf"
    | "tableScale"
    | "loss"
    | "unobservedWeight"
    | "l2Exponent"
  >;
  /** as the help shows it */
  default: string;
  help: string;
  integer: boolean;
  /** the allowed range, both ends included */
  min: number;
  max: number;
}

/** What a method's steps depend on. */
type Steps = Pick<FmOptions, "learningRate" | "learningRateDecay" | "l1Weight" | "l2Weight" | "l2Vector">;

/** Step size and penalties that served best by method and loss, on a click log and on ratings (docs/algorithms/fm.md). */
const steps: Partial<Record<Method, Record<FmOptions["loss"], Steps>>> & {
  adagrad: Record<FmOptions["loss"], Steps>;
} = {
  adagrad: {
    logistic: { ...plain(0.05), l2Weight: 1e-4, l2Vector: 0.01 },
    squared: { ...plain(0.1), l2Weight: 0.05, l2Vector: 0.1 },
  },
  sgd: {
    logistic: { ...plain(0.01), learningRateDecay: 0.5, l2Weight: 1e-4, l2Vector: 0.02 },
    squared: { ...plain(0.02), learningRateDecay: 0.5, l2Weight: 0.05, l2Vector: 0.1 },
  },
  ftrl: {
    logistic: { ...plain(0.05), l1Weight: 1, l2Weight: 1, l2Vector: 0.01 },
    squared: { ...plain(0.1), l1Weight: 1, l2Weight: 1, l2Vector: 0.1 },
  },
  adam: {
    logistic: { ...plain(0.0005), l2Weight: 1e-4, l2Vector: 0.02 },
    squared: { ...plain(0.002), l2Weight: 0.05, l2Vector: 0.1 },
  },
  // once a parameter, not at each occurrence; no step size: each takes its best value
  als: {
    logistic: { ...plain(1), l2Weight: 14, l2Vector: 60 },
    squared: { ...plain(1), l2Weight: 3, l2Vector: 50 },
  },
  // MCMC draws its penalties
  mcmc: { logistic: plain(1), squared: plain(1) },
};

/** Epochs by method, where they are not 10. */
const epochs: Partial<Record<Method, number>> = { als: 50, mcmc: 100 };

/** Those of a field-aware machine, whose vectors each see one partner field (docs/algorithms/ffm.md). */
const fieldAwareSteps: Record<FmOptions["loss"], Partial<Steps>> = {
  logistic: { l2Vector: 1e-3 },
  squared: { l2Vector: 0.2 },
};

function plain(learningRate: number): Steps {
  return { learningRate, learningRateDecay: 0, l1Weight: 0, l2Weight: 0, l2Vector: 0 };
}

function byLoss(name: keyof Steps): string {
  const { logistic, squared } = steps.adagrad;
  return `${logistic[name]}, or ${squared[name]} for the squared loss; others by --method`;
}

/** What a user may set, in the order of the help; others are flags of their own. */
export const hyperparameters: readonly Hyperparameter[] = [
  {
    name: "dim",
    default: "16, or 4 with --model ffm",
    help: "numbers a vector; with --model ffm, of the vector for each field",
    integer: true,
    min: 1,
    max: 1024,
  },
  {
    name: "epochs",
    default: "10, with --method als 50, with mcmc 100",
    help: "passes over the training rows, at most",
    integer: true,
    min: 1,
    max: 1_000_000_000,
  },
  {
    name: "learningRate",
    default: byLoss("learningRate"),
    help: "step size",
    integer: false,
    min: 1e-6,
    max: Number.MAX_VALUE,
  },
  {
    name: "learningRateDecay",
    default: "0, or 0.5 with --method sgd",
    help: "the step size of epoch e is divided by 1 + x (e - 1)",
    integer: false,
    min: 0,
    max: Number.MAX_VALUE,
  },
  {
    name: "negativeDownsampling",
    default: "1",
    help: "share of label-0 rows to train on; scores are corrected for it (He et al. 2014)",
    integer: false,
    min: 1e-6,
    max: 1,
  },
  {
    name: "l1Weight",
    default: "1",
    help: "L1 on weights, with --method ftrl: greater leaves fewer of them",
    integer: false,
    min: 0,
    max: Number.MAX_VALUE,
  },
  {
    name: "l2Weight",
    default: byLoss("l2Weight"),
    help: "L2 on weights, at each occurrence of a feature; with --method als once a feature",
    integer: false,
    min: 0,
    max: Number.MAX_VALUE,
  },
  {
    name: "l2Vector",
    default: byLoss("l2Vector"),
    help: "L2 on vectors, likewise",
    integer: false,
    min: 0,
    max: Number.MAX_VALUE,
  },
  {
    name: "seed",
    default: "1",
    help: "of first vectors, shuffles and draws",
    integer: true,
    min: 0,
    max: 0xffffffff,
  },
  threadsOption,
  {
    name: "patience",
    default: "2",
    help: "epochs without a better validation loss before stopping; 0 never stops early",
    integer: true,
    min: 0,
    max: 1_000_000_000,
  },
  {
    name: "minDelta",
    default: "0",
    help: "what an epoch must be better by to count for --patience",
    integer: false,
    min: 0,
    max: Number.MAX_VALUE,
  },
  {
    name: "burnIn",
    default: "20, at most half of the epochs",
    help: "mcmc: epochs before the first draw that may be kept",
    integer: true,
    min: 0,
    max: 1_000_000_000,
  },
  {
    name: "draws",
    default: "20",
    help: "mcmc: draws that are kept and predict together",
    integer: true,
    min: 1,
    max: 10_000,
  },
];

/** The defaults; those of the steps depend on the loss, the method and the model. */
export function defaultFmOptions(
  loss: FmOptions["loss"],
  method: Method = "adagrad",
  model: Model = "fm",
): FmOptions {
  return {
    model,
    method,
    dim: model === "ffm" ? 4 : 16,
    epochs: epochs[method] ?? 10,
    ...(steps[method] ?? steps.adagrad)[loss],
    ...(model === "ffm" && fieldAwareSteps[loss]),
    negativeDownsampling: 1,
    l2Field: {},
    normalizeRows: false,
    seed: 1,
    threads: availableParallelism(),
    shuffle: true,
    patience: 2,
    minDelta: 0,
    burnIn: 20,
    draws: 20,
    link: "logit",
    priorOf: loss === "logistic" ? "field" : "all",
    loss,
  };
}

/** The flag that sets an option. */
export function fmFlagOf(name: string): string {
  return name === "shuffle" ? "--no-shuffle" : flagOf(name);
}

/** @throws {UsageError} an option is outside its range, or does not go with the model */
export function checkFmOptions(options: FmOptions): void {
  if (options.normalizeRows && options.model !== "ffm") {
    throw new UsageError(`--normalize-rows goes with --model ffm, got --model ${options.model}`);
  }
  checkRanges(hyperparameters, options);
}
