import { UsageError } from "../../base/errors.js";
import { labels, vocabulary } from "../../training/shared-options/features.js";
import { everyday, log } from "../../training/shared-options/log.js";
import { memory, threads } from "../../training/shared-options/reading.js";
import { passes } from "../../training/shared-options/passes.js";
import { checkRanges } from "../../options/check-given.js";
import {
  choice,
  custom,
  flag,
  number,
  recordComplaint,
  resolved,
  share,
  whole,
  type Resolved,
  type Given,
  withCommon,
} from "../../options/table.js";
import { output, weekly } from "../../training/shared-options/weekly.js";
import type { DataFacts } from "../../training/session/feature-training.js";
import {
  byLoss,
  byModel,
  dimOf,
  FEW,
  isNarrow,
  l2VectorOf,
  LARGE_RATE,
  MANY_FIELDS,
  methods,
  models,
  MOST_PATIENCE,
  patienceOf,
  shownDim,
  stepOf,
  vectorRateOf,
  type Before,
  type FmModelName,
  type FmLoss,
  type Method,
} from "./default-rates.js";

const ANY = Number.MAX_VALUE;
const MANY = 1_000_000_000;
const [model, training] = ["Model:", "Training:"] as const;
const notNegative = { min: 0, max: ANY, group: training } as const;
const positive = { min: 1e-6, max: ANY, group: training } as const;
/** Values of an option's property `only`. */
const ofGradients = { method: ["adagrad", "sgd", "ftrl", "adam"] } as const;
const ofPenalties = { method: [...ofGradients.method, "als"] } as const;
const ofMcmc = { method: ["mcmc"] } as const;

const own = {
  model: choice(models, {
    ...{ placeholder: "model", group: model, default: "fm" },
    help: "model to train: factorization machine, logistic regression, or field-aware FM",
  }),
  task: choice(["binary", "regression"], {
    ...{ placeholder: "task", group: model },
    help: "prediction task; by default binary if all labels are 0 or 1, else regression",
  }),
  method: choice(methods, {
    ...{ placeholder: "method", group: training, default: "adagrad" },
    help: "training method",
  }),
  link: choice(["logit", "probit"], {
    ...{ placeholder: "link", group: model, default: "logit", only: { method: ["als", "mcmc"] } },
    help: "als and mcmc: link function from scores to probabilities",
  }),
  priorOf: choice(["field", "all"], {
    ...{ placeholder: "whom", group: model, only: ofMcmc },
    help: "mcmc: parameters that share a prior: per field, or all",
    default: (_: object, { loss }: DataFacts) => (loss === "logistic" ? "field" : "all"),
    shown: "field, or all for squared loss",
  }),
  normalizeRows: flag({
    ...{ group: training, default: false, only: { model: ["ffm"] } },
    help: "with --model ffm: divide each row's values by their Euclidean norm",
  }),
  shuffle: { ...passes.shuffle, only: ofGradients },
  l2: number({
    ...notNegative,
    help: "L2 penalty, sets both --l2-weight and --l2-vector",
    sets: ["l2Weight", "l2Vector"],
  }),
  dim: whole({
    ...{ min: 1, max: 1024, group: model },
    help: "embedding dimension; with --model ffm, dimension of the vector for each field",
    default: dimOf,
    shown: shownDim,
    // a field-aware machine has one vector per partner field, a linear model none
    search: {
      among: ({ model: kind, method }: { model: FmModelName; method: Method }) =>
        method === "mcmc" ? [4, 8, 16, 32] : { fm: [8, 16, 32, 64], ffm: [2, 4, 8, 12, 16], lr: [] }[kind],
    },
  }),
  epochs: whole({
    ...{ min: 1, max: MANY, group: training },
    help: "maximum number of passes over the training data",
    default: ({ method }: { method: Method }, { stopsEarly }: DataFacts) =>
      method === "als" ? 50 : method === "mcmc" || stopsEarly ? 100 : 10,
    shown: "100 with --valid, else 10; with --method als 50, with mcmc 100",
  }),
  learningRate: number({
    ...{ ...positive, only: ofGradients, search: { span: 4 } },
    help: "learning rate of the first epoch",
    default: (before: Before, facts: DataFacts) =>
      isNarrow(before, facts) ? LARGE_RATE : stepOf("learningRate")(before, facts),
    shown: `0.05; ${LARGE_RATE} up to ${FEW} fields with early stopping; 0.1 for squared loss; others by --method`,
  }),
  vectorRate: number({
    ...{ ...positive, only: { ...ofGradients, model: ["fm", "ffm"] } },
    help: "learning rate of vectors, as a multiple of --learning-rate",
    default: vectorRateOf,
    shown: `1; (${MANY_FIELDS} / fields)^2 above ${MANY_FIELDS} fields; up to 4 for few rows with labels; 0.25 to 1 with --negatives and up to ${FEW} fields`,
  }),
  learningRateDecay: number({
    ...{ ...notNegative, only: ofGradients },
    help: "learning rate decay: in epoch e the rate is divided by 1 + x (e - 1)",
    default: stepOf("learningRateDecay"),
    shown: "0, or 0.5 with --method sgd",
  }),
  negativeDownsampling: share({
    ...{ ...positive, max: 1, default: 1, only: ofGradients },
    help: "share of label-0 rows to keep for training; scores are corrected for it (He et al. 2014)",
  }),
  l1Weight: number({
    ...{ ...notNegative, only: ofGradients },
    help: "ftrl: L1 penalty on weights; larger values give sparser weights",
    default: stepOf("l1Weight"),
    shown: "1",
  }),
  l2Weight: number({
    ...{ ...notNegative, only: ofPenalties, search: { span: 10 } },
    help: "L2 penalty on weights, applied at each occurrence of a feature; with --method als once per feature",
    default: stepOf("l2Weight"),
    shown: byLoss("l2Weight"),
  }),
  l2Vector: number({
    ...{ ...notNegative, only: ofPenalties },
    help: "L2 penalty on vectors, applied like --l2-weight",
    default: l2VectorOf,
    shown: `${byModel()}; more for rare keys with few rows or up to ${FEW} fields`,
    // a linear model has no vectors
    search: { span: 10, when: ({ model: kind }: { model: FmModelName }) => kind !== "lr" },
  }),
  l2Field: custom(
    "field=x,...",
    {
      type: "string | readonly string[] | Readonly<Record<string, number>>",
      parse: l2FieldOf,
      repeats: true,
      complaint: recordComplaint(
        (x: number) => Number.isFinite(x) && x >= 0,
        "numbers of at least 0 by field",
      ),
      texts: (byField: Record<string, number>) => Object.entries(byField).map(([name, x]) => `${name}=${x}`),
    },
    {
      ...{ group: training, default: {}, shown: "", only: ofPenalties },
      help: "L2 penalty on weights and vectors of single fields, replacing the general penalty",
    },
  ),
  seed: passes.seed,
  ...threads,
  patience: {
    ...{ ...passes.patience, only: ofPenalties, default: patienceOf },
    shown: `2; up to ${MOST_PATIENCE} for few rows with labels`,
  },
  minDelta: { ...passes.minDelta, only: ofPenalties },
  burnIn: whole({
    ...{
      min: 0,
      max: MANY,
      group: training,
      default: 20,
      shown: "20, at most half of the epochs",
      only: ofMcmc,
    },
    help: "mcmc: number of burn-in epochs before the first draw is kept",
  }),
  draws: whole({
    ...{ min: 1, max: 10_000, group: training, default: 20, only: ofMcmc },
    help: "mcmc: number of draws to keep; predictions are averaged over them",
  }),
} as const;

export const options = withCommon(
  {
    ...log,
    ...vocabulary,
    ...weekly,
    // a chain rotates all vectors, so it cannot freeze some of them; ALS and MCMC have no optimizer state to keep
    freeze: { ...weekly.freeze, only: { ...weekly.freeze.only, ...ofGradients } },
    keepState: { ...weekly.keepState, only: ofGradients },
    ...memory,
    ...labels,
    ...own,
    ...output,
  } as const,
  [
    ...everyday,
    "label",
    "minCount",
    "negatives",
    "init",
    "model",
    "task",
    "method",
    "dim",
    "epochs",
    "learningRate",
    "seed",
    "patience",
  ],
);

export type GivenFm = Given<typeof options>;

/** Options with their defaults, with which a training runs. */
export interface FmOptions extends Omit<Resolved<typeof own>, "task" | "l2"> {
  loss: FmLoss;
  /** for MCMC: factor of the table's scores that an earlier training chose; no flag sets it */
  tableScale?: number;
}

/**
 * Applies defaults, which depend on the data.
 *
 * @throws {UsageError} a link function was set, but the task is regression
 */
export function fmOptionsOf(given: GivenFm, facts: DataFacts): FmOptions {
  const { loss } = facts;
  // a refit passes the values of all options, including those of defaults
  if ((given.link ?? own.link.default) !== own.link.default && loss === "squared")
    throw new UsageError(
      `--link ${given.link} needs labels of 0 and 1: omit it, or convert labels with --positive-from`,
    );
  const { task: _, l2: __, ...rest } = resolved(own, given, { ...facts });
  return { ...rest, loss };
}

/** @throws {UsageError} an option is out of range */
export function checkFmOptions(fm: FmOptions): void {
  checkRanges(own, fm as unknown as Record<string, unknown>);
}

/** Replaces --l2 by --l2-weight and --l2-vector, unless they are set. */
export function withL2({ l2, ...given }: GivenFm): GivenFm {
  return { ...(l2 !== undefined && { l2Weight: l2, l2Vector: l2 }), ...given };
}

/** Adds the entries of user=0.01,item=0.1 to the `earlier` ones. @throws {UsageError} a part is not FIELD=NUMBER */
function l2FieldOf(text: string, _: string, earlier: Record<string, number> = {}): Record<string, number> {
  const entries = text
    .split(",")
    .filter((part) => part !== "")
    .map((part): [string, number] => {
      const at = part.lastIndexOf("=");
      const value = Number(part.slice(at + 1) || NaN);
      if (at <= 0 || !(value >= 0))
        throw new UsageError(`--l2-field expects FIELD=NUMBER with a number of at least 0, got '${part}'`);
      return [part.slice(0, at), value];
    });
  return { ...earlier, ...Object.fromEntries(entries) };
}
