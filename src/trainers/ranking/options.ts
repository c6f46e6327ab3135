// What `--task ranking` adds to the options of train-fm: default, range and help text of each, declared once.

import { UsageError } from "../../errors.js";
import { checkRanges } from "../../training/check-ranges.js";
import type { FmOptions } from "../fm/options.js";

export const rankingLosses = ["bpr", "warp", "sampled-softmax", "ccl"] as const;
export const similarities = ["dot", "cosine"] as const;
export const rankingMetricNames = ["recall", "ndcg"] as const;

export interface RankingOptions {
  rankingLoss: (typeof rankingLosses)[number];
  /** candidates an event (bpr: the highest-scored is taken, warp: the first that violates), or negatives that a batch shares */
  negatives: number;
  noise: "uniform" | "popularity";
  /** what a score is: inner products and weights, or the cosine of user and item */
  similarity: (typeof similarities)[number];
  margin: number;
  negativeWeight: number;
  temperature: number;
  /** items a list, for the metrics */
  k: number;
  /** what decides the best epoch */
  metric: (typeof rankingMetricNames)[number];
  /** epochs from one look at the validation part to the next */
  evaluateEvery: number;
}

/** A number of the ranking losses that a user may set. */
export interface RankingHyperparameter {
  name: "margin" | "negativeWeight" | "temperature" | "k" | "evaluateEvery";
  help: string;
  integer: boolean;
  min: number;
  max: number;
}

export const rankingHyperparameters: readonly RankingHyperparameter[] = [
  {
    name: "margin",
    help: "warp: by how much an item is to score above others (default: 1); ccl: a cosine above it counts against a negative (default: 0.4)",
    integer: false,
    min: -1,
    max: 1e6,
  },
  {
    name: "negativeWeight",
    help: "ccl: weight of all negatives against the event's item (default: 100)",
    integer: false,
    min: 0,
    max: 1e9,
  },
  {
    name: "temperature",
    help: "sampled-softmax: what scores are divided by (default: 0.1 for cosines, else 1)",
    integer: false,
    min: 1e-3,
    max: 1e6,
  },
  {
    name: "k",
    help: "ranking: items a list, for recall and ndcg (default: 20)",
    integer: true,
    min: 1,
    max: 1000,
  },
  {
    name: "evaluateEvery",
    help: "ranking: epochs from one look at the validation part to the next (default: 5; 1 for shared negatives)",
    integer: true,
    min: 1,
    max: 1_000_000,
  },
];

type Steps = Pick<
  FmOptions,
  "dim" | "epochs" | "learningRate" | "learningRateDecay" | "l2Weight" | "l2Vector" | "patience"
>;

const common = { dim: 64, learningRateDecay: 0, l2Weight: 0, l2Vector: 0, patience: 2 };

/** What served best on gowalla's training part, some of it held out (docs/algorithms/ranking.md). */
const steps = {
  bpr: { ...common, epochs: 250, learningRate: 0.05, l2Vector: 0.003 },
  "hard negatives": { ...common, epochs: 20, learningRate: 0.1, learningRateDecay: 0.2, l2Vector: 0.02 },
  warp: { ...common, epochs: 60, learningRate: 0.05, l2Vector: 0.01 },
  "sampled-softmax": { ...common, epochs: 20, learningRate: 0.05, learningRateDecay: 0.2, l2Vector: 0.03 },
  "cosine softmax": { ...common, epochs: 40, learningRate: 0.1 },
  ccl: { ...common, epochs: 40, learningRate: 0.1 },
} satisfies Record<string, Steps>;

/** What a loss scores by, unless it is told. */
function similarityOf(loss: RankingOptions["rankingLoss"]): RankingOptions["similarity"] {
  return loss === "ccl" ? "cosine" : "dot";
}

/** Whether a batch's events share their negatives. */
export function isShared(loss: RankingOptions["rankingLoss"]): boolean {
  return loss === "sampled-softmax" || loss === "ccl";
}

/** What a loss sets of the options that all tasks have. @param told what the user set */
export function rankingSteps({
  rankingLoss: loss = "bpr",
  similarity,
  negatives = 1,
}: Partial<RankingOptions>): Steps {
  if (loss === "bpr" && negatives > 1) return steps["hard negatives"];
  if (loss === "sampled-softmax" && similarity === "cosine") return steps["cosine softmax"];
  return steps[loss];
}

/**
 * The options of a loss, what the user set before its defaults.
 *
 * @param matrix the model is of user and item alone
 * @throws {UsageError} an option is outside its range, or the loss takes user and item alone
 */
export function rankingOptions(told: Partial<RankingOptions>, matrix: boolean): RankingOptions {
  const { rankingLoss = "bpr" } = told;
  const similarity = told.similarity ?? similarityOf(rankingLoss);
  const options: RankingOptions = {
    rankingLoss,
    negatives: { bpr: 1, warp: 10, "sampled-softmax": 256, ccl: 256 }[rankingLoss],
    noise: "uniform",
    margin: rankingLoss === "ccl" ? 0.4 : 1,
    negativeWeight: 100,
    similarity,
    temperature: similarity === "cosine" ? 0.1 : 1,
    k: 20,
    metric: "ndcg",
    evaluateEvery: isShared(rankingLoss) ? 1 : 5,
    ...told,
  };
  checkRanges(rankingHyperparameters, options);
  if (similarity === "dot" && rankingLoss === "ccl")
    throw new UsageError("--similarity dot is not for --loss ccl, whose margin is one of cosines");
  if (similarity === "cosine" && !isShared(rankingLoss))
    throw new UsageError(
      `--similarity cosine is for --loss sampled-softmax and ccl, got --loss ${rankingLoss}`,
    );
  if (similarity === "cosine" && !matrix) {
    throw new UsageError(
      "cosines are those of user and item alone: name these two with --fields, or take --loss sampled-softmax --similarity dot",
    );
  }
  const { negatives } = options;
  const most = isShared(rankingLoss) ? 65_536 : 1024;
  if (!(negatives >= 1 && negatives <= most)) {
    throw new UsageError(`--negatives must be in [1, ${most}] with --loss ${rankingLoss}, got ${negatives}`);
  }
  if (isShared(rankingLoss) && negatives % 8 !== 0) {
    throw new UsageError(
      `--loss ${rankingLoss} takes its negatives by eights: --negatives must be a multiple of 8, got ${negatives}`,
    );
  }
  return options;
}
