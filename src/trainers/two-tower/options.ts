// The options of train-two-tower.

import { UsageError } from "../../base/errors.js";
import { parseWhere } from "../../dataset/filters/where.js";
import { labels, noises, vocabulary } from "../../training/shared-options/features.js";
import {
  layerSizes,
  choice,
  custom,
  flag,
  list,
  number,
  omit,
  resolved,
  text,
  texts,
  whole,
  wholeOf,
  withCommon,
  type Resolved,
  type Given,
} from "../../options/table.js";
import { lists, passes } from "../../training/shared-options/passes.js";
import { everyday, log } from "../../training/shared-options/log.js";
import { memory, threads } from "../../training/shared-options/reading.js";
import { output, weekly } from "../../training/shared-options/weekly.js";

const ANY = Number.MAX_VALUE;
const [examples, model, training] = ["Examples:", "Model:", "Training:"] as const;

/** Number of events of a block of the kernel; the batch size must divide it. */
const BLOCK = 4096;
/** Maximum number of items in a history. */
const LONGEST = 10_000;
const HISTORY = "N (at most N items before the event), others, or others:N (other items of the user)";

/** Kind and maximum length of users' histories. */
export interface HistoryKind {
  /** "before": items before an event; "others": all other items of the user */
  of: "before" | "others";
  most: number;
}

/** `50`, `others` or `others:200` */
export function historyOf(given: string, flagName: string): HistoryKind {
  const [, others, most] = /^(others)?:?(\d*)$/u.exec(given) ?? [];
  const isRight = others === undefined ? !given.startsWith(":") : given === "others" || most !== "";
  if (!isRight || (others === undefined && !most))
    throw new UsageError(`${flagName} expects ${HISTORY}, got '${given}'`);
  return { of: others ? "others" : "before", most: most ? wholeOf(most, flagName, 1) : 1000 };
}

function historyComplaint(history: HistoryKind): string | undefined {
  const { of, most } = (history as HistoryKind | null) ?? { of: "", most: 0 };
  const isRight = ["before", "others"].includes(of) && Number.isInteger(most) && most >= 1 && most <= LONGEST;
  return isRight ? undefined : `${HISTORY}, N up to ${LONGEST}`;
}

function historyTexts({ of, most }: HistoryKind): string[] {
  return [of === "others" ? `others:${most}` : String(most)];
}

function historyVectorsOf({ history, userTower, skipConnection }: HistoryForm): "own" | "scored" {
  return (userTower.length > 0 ? !skipConnection : history.of === "before") ? "own" : "scored";
}

interface HistoryForm {
  history: HistoryKind;
  userTower: readonly number[];
  skipConnection: boolean;
}

const own = {
  history: custom(
    "n|others",
    { type: "number | string", parse: historyOf, complaint: historyComplaint, texts: historyTexts },
    {
      help: "items in a user's history: the last n before the event, or others (all other items) for logs without times",
      group: examples,
      default: { of: "before", most: 50 } as HistoryKind,
      shown: "50",
    },
  ),
  historyOf: texts("expression", {
    help: "build the history from events that match, such as 'event = \"search\"'; repeat for several histories",
    group: examples,
    default: [] as string[],
    shown: "one history of all events",
  }),
  targets: text("expression", {
    help: "predict only events that match",
    group: examples,
    shown: "all",
  }),
  keepRepeats: flag({
    help: "also predict items that the user already has",
    group: examples,
    default: false,
  }),
  recency: number({
    min: 0,
    max: ANY,
    help: "half-life of an item's weight in the history, in items before the newest; 0 for equal weights",
    group: examples,
    shown: "chosen on the validation split, else 3; 0 with --history others or layers in the towers",
  }),
  userFields: list("columns", {
    help: "columns that describe the user, categorical or numeric, as inputs of the user tower",
    group: examples,
    default: [] as string[],
    shown: "none",
  }),
  userBias: flag({
    help: "without a user tower: add a shared bias vector to all users, which can represent item popularity",
    group: examples,
    default: false,
  }),
  exampleAge: flag({
    help: "add the age of the event as an input of the user tower (0 for the vectors written)",
    group: examples,
    default: false,
  }),
  userTower: custom("sizes", layerSizes({ orNone: true }), {
    help: "sizes of the user tower's hidden layers, such as 256,128; none sums the inputs",
    group: model,
    default: [] as readonly number[],
    shown: "none",
  }),
  skipConnection: flag({
    help:
      "add a residual connection from the user tower's inputs to its output, and use scored item vectors " +
      "in histories",
    group: model,
    default: false,
    only: { userTower: true },
  }),
  historyVectors: choice(["own", "scored"], {
    placeholder: "which",
    help: "vectors of items in histories: own ones, or those that are scored, for users who take the same items again",
    group: model,
    default: historyVectorsOf,
    shown: "own; scored with --history others and no user tower, or --skip-connection",
    search: {
      among: ({ history }: { history: HistoryKind }) => (history.of === "before" ? ["own", "scored"] : []),
    },
  }),
  itemTower: custom("sizes", layerSizes({ orNone: true }), {
    help: "sizes of the hidden layers of an item tower over --item-fields",
    group: model,
    default: [] as readonly number[],
    shown: "none",
  }),
  dim: whole({ min: 1, max: 1024, help: "embedding dimension", group: model, default: 64 }),
  similarity: choice(["cosine", "dot"], {
    help: "score: cosine of user and item, or inner product plus an item bias",
    group: model,
    default: "cosine",
  }),
  negatives: whole({
    min: 0,
    max: 65_536,
    help: "number of sampled negatives shared by a batch, a multiple of 8",
    group: model,
    default: 1024,
  }),
  inBatch: flag({
    help: "also use the other items of a batch as negatives",
    group: model,
    default: false,
  }),
  noise: choice(noises, {
    placeholder: "distribution",
    help: "distribution to sample negatives from",
    group: model,
    default: "uniform",
  }),
  logQ: flag({
    help: "disable the sampling correction (logQ) of the softmax",
    group: model,
    negated: true,
    default: true,
  }),
  negativeWeight: number({
    min: 0,
    max: 1e9,
    help: "weight of the negatives relative to the positive item: factor of the log term of the softmax",
    group: model,
    default: ({ similarity }: { similarity: string }) => (similarity === "cosine" ? 1.25 : 1),
    shown: "cosine 1.25, dot 1",
    search: {
      among: ({ similarity }: { similarity: string }) => (similarity === "cosine" ? [1, 1.25, 1.5] : []),
    },
  }),
  temperature: number({
    min: 1e-3,
    max: 1e6,
    help: "softmax temperature; scores are divided by it",
    group: model,
    default: ({ similarity }: { similarity: string }) => (similarity === "cosine" ? 0.1 : 1),
    shown: "cosine 0.1, dot 1",
    search: {
      among: ({ similarity }: { similarity: string }) =>
        similarity === "cosine" ? [0.05, 0.07, 0.1, 0.14] : [],
    },
  }),
  dropout: number({
    min: 0,
    max: 0.99,
    help: "dropout rate of the user tower's hidden layers",
    group: training,
    default: 0,
    only: { userTower: true },
  }),
  ...lists,
  evaluateEvery: whole({
    min: 1,
    max: 1_000_000,
    help: "validate every n epochs",
    group: training,
    default: 1,
  }),
  start: choice(["random", "svd"], {
    help: "initial vectors of items: random, or singular vectors of the degree-normalized user-item matrix",
    group: training,
    default: "svd",
  }),
  batchSize: whole({
    min: 256,
    max: BLOCK,
    help: "batch size in events: 256, 512, 1024, 2048 or 4096",
    group: training,
    default: 2048,
  }),
  epochs: whole({
    min: 1,
    max: 1_000_000_000,
    help: "maximum number of passes over the training data",
    group: training,
    default: 12,
  }),
  learningRate: number({
    min: 1e-6,
    max: ANY,
    help: "peak learning rate; warmup over the first 1/40 of training, then cosine decay to 0",
    group: training,
    default: 0.01,
    search: { span: 3 },
  }),
  l2: number({
    min: 0,
    max: ANY,
    help: "L2 penalty on vectors, applied at each update, and on the towers' weights",
    group: training,
    default: 0,
  }),
  ...threads,
  ...passes,
  shuffle: { ...passes.shuffle, help: "do not shuffle: train on the events in order of user and time" },
  patience: { ...passes.patience, default: 3 },
} as const;

export const options = withCommon(
  {
    ...log,
    ...omit(vocabulary, "oovDropout"),
    ...omit(weekly, "metric", "keepState", "freeze"),
    init: { ...weekly.init, not: { start: ["svd"] } },
    maxMemory: {
      ...memory.maxMemory,
      help: "memory limit for users' events and vectors, such as 4G; above it, they are read from disk",
    },
    positiveFrom: {
      ...labels.positiveFrom,
      help: "for a log with labels: use only rows with a label of x or more as events",
    },
    itemFields: {
      ...labels.itemFields,
      help: "side columns of the item, as inputs of the item tower",
      only: { itemTower: true as const },
    },
    ...own,
    ...output,
  } as const,
  [
    ...everyday,
    "positiveFrom",
    "history",
    "userFields",
    "userTower",
    "itemTower",
    "init",
    "dim",
    "epochs",
    "learningRate",
    "seed",
    "patience",
    "k",
  ],
);

export type GivenTwoTower = Given<typeof options>;
export type TwoTowerOptions = Resolved<typeof own>;

export function twoTowerOptionsOf(given: GivenTwoTower): TwoTowerOptions {
  const all = resolved(own, given);
  const { history, negatives, inBatch } = all;
  if (negatives % 8 !== 0) throw new UsageError(`--negatives must be a multiple of 8, got ${negatives}`);
  if (negatives === 0 && !inBatch) throw new UsageError("--negatives 0 needs --in-batch");
  if (BLOCK % all.batchSize !== 0)
    throw new UsageError(`--batch-size must be 256, 512, 1024, 2048 or 4096, got ${all.batchSize}`);
  if (all.userBias && all.userTower.length > 0)
    throw new UsageError("--user-bias cannot be combined with --user-tower, whose layers have biases");
  if (history.of === "others") {
    const asked = (["recency", "exampleAge"] as const).find(
      (name) => given[name] !== undefined && given[name] !== false && given[name] !== 0,
    );
    const flags = { recency: "--recency", exampleAge: "--example-age" };
    if (asked)
      throw new UsageError(
        `${flags[asked]} needs ordered events and cannot be combined with --history others: use --history 50 ` +
          "with --time",
      );
    if (all.historyOf.length > 0)
      throw new UsageError("--history-of cannot be combined with --history others");
  }
  return all;
}

/** Columns in expressions of --history-of and --targets. */
export function columnsAsked({
  historyOf: of,
  targets,
}: Pick<TwoTowerOptions, "historyOf" | "targets">): string[] {
  const wheres = of.map((source) => parseWhere(source, "--history-of"));
  if (targets !== undefined) wheres.push(parseWhere(targets, "--targets"));
  return [...new Set(wheres.flatMap(({ tests }) => tests.map(({ column }) => column)))];
}
