// The options of train-ranking.

import { UsageError } from "../../errors.js";
import { labels, noises, vocabulary } from "../../training/options/features.js";
import { lists } from "../../training/options/lists.js";
import { everyday, log } from "../../training/options/log.js";
import { memory, threads } from "../../training/options/reading.js";
import {
  choice,
  flag,
  number,
  omit,
  resolved,
  whole,
  type Resolved,
  type Told,
  withCommon,
} from "../../training/options/table.js";
import { output, weekly } from "../../training/options/weekly.js";

export const rankingLosses = ["bpr", "warp", "sampled-softmax", "ccl"] as const;
export const similarities = ["dot", "cosine"] as const;
type Loss = (typeof rankingLosses)[number];
type Similarity = (typeof similarities)[number];

const ANY = Number.MAX_VALUE;
const [model, training] = ["Model:", "Training:"] as const;

/** What a loss sets of the steps. */
interface Steps {
  epochs: number;
  learningRate: number;
  learningRateDecay: number;
  l2Vector: number;
}

const plain = { learningRateDecay: 0, l2Vector: 0 };

/** What served best on gowalla's training part, some of it held out (docs/algorithms/ranking.md). */
const steps = {
  bpr: { ...plain, epochs: 250, learningRate: 0.05, l2Vector: 0.003 },
  "hard negatives": { epochs: 20, learningRate: 0.1, learningRateDecay: 0.2, l2Vector: 0.02 },
  warp: { ...plain, epochs: 60, learningRate: 0.05, l2Vector: 0.01 },
  "sampled-softmax": { epochs: 20, learningRate: 0.05, learningRateDecay: 0.2, l2Vector: 0.03 },
  "cosine softmax": { ...plain, epochs: 40, learningRate: 0.1 },
  ccl: { ...plain, epochs: 40, learningRate: 0.1 },
} satisfies Record<string, Steps>;

/** What decides the steps. */
interface Kind {
  loss: Loss;
  similarity: Similarity;
  negatives: number;
}

function stepsOf({ loss, similarity, negatives }: Kind): Steps {
  if (loss === "bpr" && negatives > 1) return steps["hard negatives"];
  if (loss === "sampled-softmax" && similarity === "cosine") return steps["cosine softmax"];
  return steps[loss];
}

/** Whether a batch's events share their negatives. */
export function isShared(loss: Loss): boolean {
  return loss === "sampled-softmax" || loss === "ccl";
}

/** What the model is, and how it is trained; steps follow from loss, similarity and negatives, which stand first. */
const own = {
  loss: choice(rankingLosses, {
    placeholder: "loss",
    help: "the loss; each has its own training defaults",
    group: model,
    default: "bpr",
  }),
  similarity: choice(similarities, {
    help: "scores are inner products or, for sampled-softmax and ccl (its default), cosines of user and item",
    group: model,
    default: ({ loss }: { loss: Loss }) => (loss === "ccl" ? "cosine" : "dot"),
    shown: "dot; ccl: cosine",
  }),
  negatives: whole({
    min: 1,
    max: 65_536,
    help: "candidates an event (bpr takes the highest-scored, warp the first that violates), or negatives that a batch shares",
    group: model,
    default: ({ loss }: { loss: Loss }) => ({ bpr: 1, warp: 10, "sampled-softmax": 256, ccl: 256 })[loss],
    shown: "bpr 1, warp 10, others 256",
  }),
  noise: choice(noises, {
    placeholder: "distribution",
    help: "distribution that negatives are drawn from",
    group: model,
    default: "uniform",
  }),
  margin: number({
    min: -1,
    max: 1e6,
    help: "warp: by how much an item is to score above others; ccl: a cosine above it counts against a negative",
    group: model,
    default: ({ loss }: { loss: Loss }) => (loss === "ccl" ? 0.4 : 1),
    shown: "1; ccl: 0.4",
    only: { loss: ["warp", "ccl"] },
  }),
  negativeWeight: number({
    min: 0,
    max: 1e9,
    help: "ccl: weight of all negatives against the event's item",
    group: model,
    default: 100,
    only: { loss: ["ccl"] },
  }),
  temperature: number({
    min: 1e-3,
    max: 1e6,
    help: "sampled-softmax: what scores are divided by",
    group: model,
    default: ({ similarity }: { similarity: Similarity }) => (similarity === "cosine" ? 0.1 : 1),
    shown: "0.1 for cosines, else 1",
    only: { loss: ["sampled-softmax"] },
  }),
  dim: whole({ min: 1, max: 1024, help: "length of a vector", group: model, default: 64 }),
  ...lists,
  evaluateEvery: whole({
    min: 1,
    max: 1_000_000,
    help: "epochs between two validations",
    group: training,
    default: ({ loss }: { loss: Loss }) => (isShared(loss) ? 1 : 5),
    shown: "5; 1 for shared negatives",
  }),
  epochs: whole({
    min: 1,
    max: 1_000_000_000,
    help: "maximum number of passes over the training events",
    group: training,
    default: (kind: Kind) => stepsOf(kind).epochs,
    shown: "by the loss, bpr 250",
  }),
  learningRate: number({
    min: 1e-6,
    max: ANY,
    help: "step size",
    group: training,
    default: (kind: Kind) => stepsOf(kind).learningRate,
    shown: "by the loss, bpr 0.05",
  }),
  learningRateDecay: number({
    min: 0,
    max: ANY,
    help: "the step size of epoch e is divided by 1 + x (e - 1)",
    group: training,
    default: (kind: Kind) => stepsOf(kind).learningRateDecay,
    shown: "by the loss, bpr 0",
  }),
  l2: number({ min: 0, max: ANY, help: "both --l2-weight and --l2-vector", group: training }),
  l2Weight: number({
    min: 0,
    max: ANY,
    help: "L2 on weights, at each occurrence of a feature",
    group: training,
    default: 0,
  }),
  l2Vector: number({
    min: 0,
    max: ANY,
    help: "L2 on vectors, as --l2-weight",
    group: training,
    default: (kind: Kind) => stepsOf(kind).l2Vector,
    shown: "by the loss, bpr 0.003",
  }),
  shuffle: flag({
    help: "train on the events in the log's order",
    group: training,
    negated: true,
    default: true,
  }),
  seed: whole({
    min: 0,
    max: 0xffffffff,
    help: "of first vectors, shuffles and draws",
    group: training,
    default: 1,
  }),
  ...threads,
  patience: whole({
    min: 0,
    max: 1_000_000_000,
    help: "validations without improvement before stopping; 0 never stops early",
    group: training,
    default: 2,
  }),
  minDelta: number({
    min: 0,
    max: ANY,
    help: "how much better a validation must be to count for --patience",
    group: training,
    default: 0,
  }),
} as const;

/** Every option of the command. */
export const options = withCommon(
  {
    ...log,
    ...omit(vocabulary, "oovDropout"),
    ...omit(weekly, "search", "metric"),
    ...memory,
    positiveFrom: {
      ...labels.positiveFrom,
      help: "of a log with labels: rows with a label of at least x are its events",
    },
    itemFields: labels.itemFields,
    ...own,
    ...output,
  } as const,
  [
    ...everyday,
    "positiveFrom",
    "minCount",
    "init",
    "loss",
    "negatives",
    "dim",
    "epochs",
    "learningRate",
    "seed",
    "patience",
    "k",
  ],
);

export type ToldRanking = Told<typeof options>;
/** As a training has them. */
export type RankingOptions = Omit<Resolved<typeof own>, "l2">;

/** Options of training: what the user set, else the default of the loss. @throws {UsageError} they do not go together */
export function rankingOptionsOf(told: ToldRanking): RankingOptions {
  const { l2: _, ...all } = resolved(own, told);
  const { loss, similarity, negatives } = all;
  if (similarity === "dot" && loss === "ccl")
    throw new UsageError("--similarity dot is not for --loss ccl, whose margin is one of cosines");
  if (similarity === "cosine" && !isShared(loss))
    throw new UsageError(`--similarity cosine is for --loss sampled-softmax and ccl, got --loss ${loss}`);
  const most = isShared(loss) ? 65_536 : 1024;
  if (!(negatives <= most))
    throw new UsageError(`--negatives must be in [1, ${most}] with --loss ${loss}, got ${negatives}`);
  if (isShared(loss) && negatives % 8 !== 0)
    throw new UsageError(
      `--loss ${loss} takes its negatives by eights: --negatives must be a multiple of 8, got ${negatives}`,
    );
  return all;
}

/** What was told, with --l2 as the two that it stands for. */
export function withL2({ l2, ...told }: ToldRanking): ToldRanking {
  return { ...(l2 !== undefined && { l2Weight: l2, l2Vector: l2 }), ...told };
}
