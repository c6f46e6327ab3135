// The options of train-two-tower.

import { UsageError } from "../../errors.js";
import { parseWhere } from "../../dataset/where.js";
import { labels, noises, vocabulary } from "../../training/options/features.js";
import { layerSizes } from "../../training/options/layers.js";
import { lists } from "../../training/options/lists.js";
import { everyday, log } from "../../training/options/log.js";
import { memory, threads } from "../../training/options/reading.js";
import { passes } from "../../training/options/passes.js";
import {
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
  type Resolved,
  type Given,
  withCommon,
} from "../../training/options/table.js";
import { output, weekly } from "../../training/options/weekly.js";

const ANY = Number.MAX_VALUE;
const [examples, model, training] = ["Examples:", "Model:", "Training:"] as const;

/** Every batch lies in one block of so many events. */
const BLOCK = 4096;
/** Items that a history has, at most. */
const LONGEST = 10_000;
const HISTORY = "N, others or others:N: at most so many items strictly before, or any of the user's others";

/** What a user's history is. */
export interface HistoryKind {
  /** items before an event, or all the user's others */
  of: "before" | "others";
  most: number;
}

/** `50`, `others`, `others:200`. @throws {UsageError} no such text */
export function historyOf(given: string, flagName: string): HistoryKind {
  const [, others, most] = /^(others)?:?(\d*)$/u.exec(given) ?? [];
  const isRight = others === undefined ? !given.startsWith(":") : given === "others" || most !== "";
  if (!isRight || (others === undefined && !most))
    throw new UsageError(`${flagName} expects ${HISTORY}, got '${given}'`);
  return { of: others ? "others" : "before", most: most ? wholeOf(most, flagName, 1) : 1000 };
}

function historyComplaint({ of, most }: HistoryKind): string | undefined {
  const isRight = ["before", "others"].includes(of) && Number.isInteger(most) && most >= 1 && most <= LONGEST;
  return isRight ? undefined : `${HISTORY}, N up to ${LONGEST}`;
}

const own = {
  history: custom(
    "n|others",
    { type: "number | string", parse: historyOf, complaint: historyComplaint },
    {
      help: "items in a user's history: the last n before the event, or others (all other items) for logs without times",
      group: examples,
      default: { of: "before", most: 50 } as HistoryKind,
      shown: "50",
    },
  ),
  historyOf: texts("expression", {
    help: "a history of the events for which it holds, such as 'event = \"search\"'; repeat it for several side by side",
    group: examples,
    default: [] as string[],
    shown: "one of all events",
  }),
  targets: text("expression", {
    help: "learn to predict the events for which it holds",
    group: examples,
    shown: "all",
  }),
  keepRepeats: flag({
    help: "also predict items that the user took before",
    group: examples,
    default: false,
  }),
  maxExamplesPerUser: whole({
    min: 1,
    max: 0xffffffff,
    help: "learn from so many events a user at most, the newest, so that busy users do not decide",
    group: examples,
    shown: "all",
  }),
  recency: number({
    min: 1e-3,
    max: ANY,
    help: "an item of a history counts half as much for each so many items between it and the newest",
    group: examples,
    shown: "all count alike",
  }),
  userFields: list("columns", {
    help: "columns that describe the user, read by the user tower: keys and numbers",
    group: examples,
    default: [] as string[],
    shown: "none",
  }),
  userBias: flag({
    help: "without a user tower: a vector that all users share is added to each, so that vectors of items need not say how popular they are",
    group: examples,
    default: false,
  }),
  exampleAge: flag({
    help: "the user's side has the age of the event, which is 0 for the vectors that are written",
    group: examples,
    default: false,
  }),
  userTower: custom("sizes", layerSizes({ orNone: true }), {
    help: "sizes of the user tower's hidden layers, such as 256,128; none sums history and fields",
    group: model,
    default: [] as readonly number[],
    shown: "none",
  }),
  skipConnection: flag({
    help: "a user is the sum of what the user tower reads and its output, and histories read items as they are scored",
    group: model,
    default: false,
    only: { userTower: true },
  }),
  itemTower: custom("sizes", layerSizes({ orNone: true }), {
    help: "sizes of the item tower's hidden layers, which read --item-fields",
    group: model,
    default: [] as readonly number[],
    shown: "none",
  }),
  dim: whole({ min: 1, max: 1024, help: "length of a vector", group: model, default: 64 }),
  similarity: choice(["cosine", "dot"], {
    help: "scores are cosines of user and item, or inner products and a bias of the item",
    group: model,
    default: "cosine",
  }),
  negatives: whole({
    min: 0,
    max: 65_536,
    help: "negatives that a batch draws and shares, a multiple of 8",
    group: model,
    default: 1024,
  }),
  inBatch: flag({
    help: "also use the items of a batch as negatives for its other events",
    group: model,
    default: false,
  }),
  noise: choice(noises, {
    placeholder: "distribution",
    help: "distribution that negatives are drawn from",
    group: model,
    default: "uniform",
  }),
  logQ: flag({
    help: "do not correct the softmax for how often each item is among the negatives",
    group: model,
    negated: true,
    default: true,
  }),
  negativeWeight: number({
    min: 0,
    max: 1e9,
    help: "weight of all negatives against the event's item: a factor of the softmax's logarithm",
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
    help: "temperature: scores are divided by it before the softmax",
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
    help: "share of the outputs of the user tower's hidden layers that a training step drops",
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
    help: "first vectors of items: random, or the singular vectors of the degree-normalised matrix of users and items",
    group: training,
    default: "svd",
  }),
  batchSize: whole({
    min: 256,
    max: BLOCK,
    help: "events between two steps: 256, 512, 1024, 2048 or 4096",
    group: training,
    default: 2048,
  }),
  epochs: whole({
    min: 1,
    max: 1_000_000_000,
    help: "maximum number of passes over the events",
    group: training,
    default: 12,
  }),
  learningRate: number({
    min: 1e-6,
    max: ANY,
    help: "step size: it rises over the first fortieth of the training and falls to 0 along a cosine",
    group: training,
    default: 0.01,
    search: { span: 3 },
  }),
  l2: number({
    min: 0,
    max: ANY,
    help: "L2 on vectors, at each step that moves one, and on the towers' weights",
    group: training,
    default: 0,
  }),
  ...threads,
  ...passes,
  shuffle: { ...passes.shuffle, help: "train on the events in the order of users and times" },
  patience: { ...passes.patience, default: 3 },
} as const;

/** Every option of the command. */
export const options = withCommon(
  {
    ...log,
    ...omit(vocabulary, "oovDropout"),
    ...omit(weekly, "metric", "keepState", "freeze"),
    search: {
      ...weekly.search,
      help: "try n settings of learning rate, negatives' weight and temperature on the validation part, and train with the best",
    },
    ...memory,
    positiveFrom: {
      ...labels.positiveFrom,
      help: "for a log with labels: only rows with a label of x or more are events",
    },
    itemFields: {
      ...labels.itemFields,
      help: "columns of the item that its tower reads",
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
/** As a training has them. */
export type TwoTowerOptions = Resolved<typeof own>;

/** What the user set, else the defaults. @throws {UsageError} they do not go together */
export function twoTowerOptionsOf(given: GivenTwoTower): TwoTowerOptions {
  const all = resolved(own, given);
  const { history, negatives, inBatch } = all;
  if (negatives % 8 !== 0)
    throw new UsageError(`--negatives are taken by eights: it must be a multiple of 8, got ${negatives}`);
  if (negatives === 0 && !inBatch)
    throw new UsageError("--negatives 0 leaves nothing to compare an event's item with: add --in-batch");
  if (BLOCK % all.batchSize !== 0)
    throw new UsageError(`--batch-size is 256, 512, 1024, 2048 or 4096, got ${all.batchSize}`);
  if (all.userBias && all.userTower.length > 0)
    throw new UsageError("--user-bias is for users without a tower: the layers of --user-tower have biases");
  if (history.of === "others") {
    const asked = (["recency", "exampleAge", "maxExamplesPerUser"] as const).find(
      (name) => given[name] !== undefined && given[name] !== false,
    );
    const flags = {
      recency: "--recency",
      exampleAge: "--example-age",
      maxExamplesPerUser: "--max-examples-per-user",
    };
    if (asked)
      throw new UsageError(
        `${flags[asked]} goes by the order of events, and --history others has none: take --history 50 with --time`,
      );
    if (all.historyOf.length > 0)
      throw new UsageError(
        "--history-of is for histories before an event: --history others has one history of all other items",
      );
  }
  return all;
}

/** Columns that expressions ask about. @throws {UsageError} one is no expression */
export function columnsAsked({
  historyOf: of,
  targets,
}: Pick<TwoTowerOptions, "historyOf" | "targets">): string[] {
  const wheres = of.map((source) => parseWhere(source, "--history-of"));
  if (targets !== undefined) wheres.push(parseWhere(targets, "--targets"));
  return [...new Set(wheres.flatMap(({ tests }) => tests.map(({ column }) => column)))];
}
