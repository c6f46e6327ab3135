import { UsageError } from "../../base/errors.js";
import {
  RANKING_BLOCK,
  sharesNegatives,
  type RankingLoss,
  type RankingMethod,
} from "../../compute/kernels/ranking/binding.js";
import { labels, noises, vocabulary } from "../../training/shared-options/features.js";
import { lists, passes } from "../../training/shared-options/passes.js";
import { everyday, log } from "../../training/shared-options/log.js";
import { memory, threads } from "../../training/shared-options/reading.js";
import {
  choice,
  custom,
  flag,
  number,
  omit,
  resolved,
  whole,
  wholeOf,
  type Resolved,
  type Given,
  withCommon,
} from "../../options/table.js";
import { output, weekly } from "../../training/shared-options/weekly.js";

const ANY = Number.MAX_VALUE;
const [model, training] = ["Model:", "Training:"] as const;

/** Losses whose negatives are shared by the events of a batch. */
const SHARED = ["sampled-softmax", "ccl"] as const;

const plain = { learningRateDecay: 0, l2Vector: 0 };

/** Defaults that were best on gowalla's training split, of which a part was held out (docs/algorithms/ranking.md). */
const steps = {
  bpr: { ...plain, epochs: 250, learningRate: 0.05, l2Vector: 0.003 },
  "bpr by sgd": { epochs: 250, learningRate: 0.4, learningRateDecay: 0.05, l2Vector: 0.003 },
  "hard negatives": { epochs: 20, learningRate: 0.1, learningRateDecay: 0.2, l2Vector: 0.02 },
  warp: { ...plain, epochs: 60, learningRate: 0.05, l2Vector: 0.01 },
  "sampled-softmax": { epochs: 20, learningRate: 0.05, learningRateDecay: 0.2, l2Vector: 0.03 },
  "cosine softmax": { ...plain, epochs: 20, learningRate: 0.03 },
  "hard negatives by sgd": { epochs: 20, learningRate: 0.1, learningRateDecay: 0.1, l2Vector: 0.01 },
  "warp by sgd": { epochs: 60, learningRate: 0.005, learningRateDecay: 0.05, l2Vector: 0.01 },
  ccl: { ...plain, epochs: 40, learningRate: 0.1 },
};

interface Scoring {
  loss: RankingLoss;
  similarity: "dot" | "cosine";
}

/** Options that determine the defaults of gradient descent. */
interface Kind extends Scoring {
  negatives: number;
  optimizer: RankingMethod;
}

function stepsOf({ loss, similarity, negatives, optimizer }: Kind) {
  if (optimizer === "sgd") {
    if (loss === "warp") return steps["warp by sgd"];
    return negatives > 1 ? steps["hard negatives by sgd"] : steps["bpr by sgd"];
  }
  if (loss === "bpr" && negatives > 1) return steps["hard negatives"];
  if (loss === "sampled-softmax" && similarity === "cosine") return steps["cosine softmax"];
  return steps[loss];
}

/** The softmax of cosines has other defaults than the softmax of inner products. */
function isBilateral({ loss, similarity }: Scoring): boolean {
  return loss === "sampled-softmax" && similarity === "cosine";
}

/** Range of ranks among the candidates of an event; rank 1 has the highest score. */
type Ranks = readonly [from: number, to: number];

const RANKS = "a range of ranks FROM-TO with 1 <= FROM <= TO, such as 2-5";

/** Type and parser of --hard-negatives: `2-5`, or `3` for one rank. */
const ranksForm = {
  type: "string | readonly [number, number]",
  parse(given: string, flagName: string): Ranks {
    const [from = "", to = from, ...more] = given.split("-");
    if (more.length > 0 || from === "" || to === "")
      throw new UsageError(`${flagName} expects ${RANKS}, got '${given}'`);
    const ranks: Ranks = [wholeOf(from, flagName, 1), wholeOf(to, flagName, 1)];
    if (ranks[0] > ranks[1]) throw new UsageError(`${flagName} expects ${RANKS}, got '${given}'`);
    return ranks;
  },
  complaint(ranks: Ranks): string | undefined {
    const isPair =
      Array.isArray(ranks) && ranks.length === 2 && ranks.every((rank) => Number.isInteger(rank));
    return isPair && ranks[0] >= 1 && ranks[0] <= ranks[1] ? undefined : RANKS;
  },
  texts: ([from, to]: Ranks) => [`${from}-${to}`],
};

const own = {
  loss: choice(["bpr", "warp", "sampled-softmax", "ccl"], {
    placeholder: "loss",
    help: "ranking loss; the training defaults depend on it",
    group: model,
    default: "bpr",
  }),
  similarity: choice(["dot", "cosine"], {
    help: "score: inner product, or cosine of user and item (sampled-softmax, and the default of ccl)",
    group: model,
    default: ({ loss }: Scoring) => (loss === "ccl" ? "cosine" : "dot"),
    shown: "dot; ccl: cosine",
  }),
  negatives: whole({
    min: 0,
    max: 65_536,
    help:
      "number of negative candidates per event (bpr uses the highest-scored, warp the first that " +
      "violates), or of negatives shared by a batch",
    group: model,
    default: (kind: Scoring) =>
      isBilateral(kind) ? 1024 : { bpr: 1, warp: 10, "sampled-softmax": 256, ccl: 256 }[kind.loss],
    shown: "bpr 1, warp 10, cosine softmax 1024, others 256",
  }),
  inBatch: flag({
    help: "also use the other items of a batch as negatives",
    group: model,
    default: false,
    only: { loss: SHARED },
  }),
  hardNegatives: custom("from-to", ranksForm, {
    help:
      "bpr: sample the negative from candidates in this range of ranks by score, such as 2-5 (1 is the " +
      "highest)",
    group: model,
    default: [1, 1] as Ranks,
    shown: "1-1",
    only: { loss: ["bpr"] },
  }),
  noise: choice(noises, {
    placeholder: "distribution",
    help: "distribution to sample negatives from",
    group: model,
    default: "uniform",
  }),
  logQ: flag({
    help: "disable the sampling correction (logQ) of the sampled softmax",
    group: model,
    negated: true,
    default: true,
    only: { loss: ["sampled-softmax"] },
  }),
  averagePositives: flag({
    help: "weight events so that each user of a batch counts once",
    group: model,
    default: false,
    only: { loss: SHARED },
  }),
  margin: number({
    min: -1,
    max: 1e6,
    help:
      "margin: warp: required score difference between items; ccl: negatives with a cosine above it are " +
      "penalized",
    group: model,
    default: ({ loss }: Scoring) => (loss === "ccl" ? 0.4 : 1),
    shown: "1; ccl: 0.4",
    search: { among: ({ loss }: Scoring) => (loss === "ccl" ? [0.2, 0.4, 0.6, 0.8, 0.9] : []) },
    only: { loss: ["warp", "ccl"] },
  }),
  negativeWeight: number({
    min: 0,
    max: 1e9,
    help:
      "weight of the negatives relative to the positive item: factor of the second term of ccl, or of " +
      "the log term of the softmax",
    group: model,
    default: (kind: Scoring) => (kind.loss === "ccl" ? 100 : isBilateral(kind) ? 1.25 : 1),
    shown: "ccl 100, cosine softmax 1.25, else 1",
    search: {
      among: (kind: Kind) =>
        kind.loss === "ccl" ? [50, 100, 150, 300] : isBilateral(kind) ? [0.8, 1, 1.25, 1.5, 1.75] : [],
    },
    only: { loss: SHARED },
  }),
  temperature: number({
    min: 1e-3,
    max: 1e6,
    help: "sampled-softmax: temperature; scores are divided by it",
    group: model,
    default: ({ similarity }: Scoring) => (similarity === "cosine" ? 0.1 : 1),
    shown: "0.1 for cosines, else 1",
    search: { among: (kind: Kind) => (isBilateral(kind) ? [0.07, 0.1, 0.12, 0.15] : []) },
    only: { loss: ["sampled-softmax"] },
  }),
  itemNeighbors: whole({
    min: 1,
    max: 100,
    help: "maximum number of co-occurring items whose side features are added to an item's vector",
    group: model,
    shown: "none",
  }),
  neighborWeight: number({
    min: 1e-3,
    max: 1e3,
    help: "total weight of an item's neighbors; its own features have weight 1",
    group: model,
    default: 1,
    only: { itemNeighbors: true },
  }),
  dim: whole({ min: 1, max: 1024, help: "embedding dimension", group: model, default: 64 }),
  layers: whole({
    min: 0,
    max: 4,
    help: "number of LightGCN propagation layers",
    group: model,
    default: 0,
    only: { loss: SHARED },
    search: { among: (kind: Kind) => (isBilateral(kind) ? [0, 1] : []) },
  }),
  propagate: choice(["during", "after"], {
    placeholder: "when",
    help: "with --layers: propagate during training, or once after training",
    group: model,
    default: "during",
    only: { layers: true },
  }),
  ...lists,
  evaluateEvery: whole({
    min: 1,
    max: 1_000_000,
    help: "validate every n epochs",
    group: training,
    default: ({ loss }: Scoring) => (sharesNegatives(loss) ? 1 : 5),
    shown: "5; 1 for shared negatives",
  }),
  start: choice(["random", "svd"], {
    help:
      "initial vectors of users and items: random, or singular vectors of the degree-normalized " +
      "user-item matrix",
    group: training,
    default: (kind: Scoring) => (isBilateral(kind) ? "svd" : "random"),
    shown: "svd for the cosine softmax, else random",
  }),
  optimizer: choice(["adagrad", "adam", "sgd"], {
    help:
      "optimizer: adam with shared negatives; sgd for bpr and warp of only users and items, faster but slightly " +
      "less accurate",
    group: training,
    default: (kind: Scoring) => (isBilateral(kind) ? "adam" : "adagrad"),
    shown: "adam for the cosine softmax, else adagrad",
  }),
  batchSize: whole({
    min: 256,
    max: RANKING_BLOCK,
    help: "batch size in events: 256, 512, 1024, 2048 or 4096",
    group: training,
    default: (kind: Scoring) => (isBilateral(kind) ? 2048 : 256),
    shown: "2048 for the cosine softmax, else 256",
    only: { loss: SHARED },
  }),
  epochs: whole({
    min: 1,
    max: 1_000_000_000,
    help: "maximum number of passes over the training data",
    group: training,
    default: (kind: Kind) => stepsOf(kind).epochs,
    shown: "depends on the loss, bpr 250",
  }),
  learningRate: number({
    min: 1e-6,
    max: ANY,
    help: "learning rate of the first epoch",
    group: training,
    default: (kind: Kind) => stepsOf(kind).learningRate,
    shown: "depends on the loss and optimizer, bpr 0.05",
    search: { span: 3 },
  }),
  schedule: choice(["inverse", "cosine"], {
    help:
      "learning rate schedule: inverse (--learning-rate-decay), or cosine with warmup over the first " +
      "1/40 of training",
    group: training,
    default: (kind: Scoring) => (isBilateral(kind) ? "cosine" : "inverse"),
    shown: "cosine for the cosine softmax, else inverse",
    only: { loss: SHARED },
  }),
  learningRateDecay: number({
    min: 0,
    max: ANY,
    help: "learning rate decay: in epoch e the rate is divided by 1 + x (e - 1)",
    group: training,
    default: (kind: Kind) => stepsOf(kind).learningRateDecay,
    shown: "depends on the loss and optimizer, bpr 0",
  }),
  l2: number({
    min: 0,
    max: ANY,
    help: "L2 penalty, sets both --l2-weight and --l2-vector",
    group: training,
    sets: ["l2Weight", "l2Vector"],
  }),
  l2Weight: number({
    min: 0,
    max: ANY,
    help: "L2 penalty on weights, applied at each occurrence of a feature",
    group: training,
    default: 0,
  }),
  l2Vector: number({
    min: 0,
    max: ANY,
    help: "L2 penalty on vectors, applied like --l2-weight",
    group: training,
    default: (kind: Kind) => stepsOf(kind).l2Vector,
    shown: "depends on the loss, bpr 0.003",
    search: { span: 10, when: ({ l2Vector }: { l2Vector: number }) => l2Vector > 0 },
  }),
  ...threads,
  ...passes,
  patience: {
    ...passes.patience,
    default: ({ loss }: Scoring) => (sharesNegatives(loss) ? 2 : 4),
    shown: "4; 2 for shared negatives",
  },
} as const;

export const options = withCommon(
  {
    ...log,
    ...omit(vocabulary, "oovDropout"),
    ...omit(weekly, "metric"),
    init: { ...weekly.init, not: { start: ["svd"] } },
    maxMemory: {
      ...memory.maxMemory,
      help: "memory limit for the vectors of users, such as 4G (bpr and warp); the rest is trained from disk",
    },
    positiveFrom: {
      ...labels.positiveFrom,
      help: "for a log with labels: use only rows with a label of x or more as events",
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

export type GivenRanking = Given<typeof options>;
export type RankingOptions = Omit<Resolved<typeof own>, "l2">;

/** Applies defaults, which depend on the loss. @throws {UsageError} options cannot be combined */
export function rankingOptionsOf(given: GivenRanking): RankingOptions {
  const { l2: _, ...all } = resolved(own, given);
  const { loss, similarity, negatives } = all;
  if (similarity === "dot" && loss === "ccl")
    throw new UsageError("--loss ccl needs --similarity cosine, because its margin applies to cosines");
  if (similarity === "cosine" && !sharesNegatives(loss))
    throw new UsageError(`--similarity cosine needs --loss sampled-softmax or ccl, got --loss ${loss}`);
  if (similarity === "cosine" && all.itemNeighbors !== undefined)
    throw new UsageError(
      `--item-neighbors cannot be combined with cosine similarity (--loss ${loss}): use --loss bpr, warp, or ` +
        "sampled-softmax with --similarity dot",
    );
  if (all.optimizer === "adam" && !sharesNegatives(loss))
    throw new UsageError(`--optimizer adam needs --loss sampled-softmax or ccl, got --loss ${loss}`);
  if (all.optimizer === "sgd" && sharesNegatives(loss))
    throw new UsageError(`--optimizer sgd needs --loss bpr or warp, got --loss ${loss}`);
  const most = sharesNegatives(loss) ? 65_536 : 1024;
  const least = all.inBatch ? 0 : 1;
  if (!(negatives >= least && negatives <= most))
    throw new UsageError(`--loss ${loss} takes --negatives from ${least} to ${most}, got ${negatives}`);
  if (RANKING_BLOCK % all.batchSize !== 0)
    throw new UsageError(`--batch-size must be 256, 512, 1024, 2048 or 4096, got ${all.batchSize}`);
  if (sharesNegatives(loss) && negatives % 8 !== 0)
    throw new UsageError(`--negatives must be a multiple of 8 with --loss ${loss}, got ${negatives}`);
  const { hardNegatives } = all;
  if (hardNegatives[1] > negatives && loss === "bpr")
    throw new UsageError(
      `--hard-negatives ${hardNegatives.join("-")} needs --negatives of at least ${hardNegatives[1]}, got ` +
        `${negatives}`,
    );
  return all;
}

/** Replaces --l2 by --l2-weight and --l2-vector, unless they are set. */
export function withL2({ l2, ...given }: GivenRanking): GivenRanking {
  return { ...(l2 !== undefined && { l2Weight: l2, l2Vector: l2 }), ...given };
}
