// What `--task ranking` adds to the options of train-fm: default, range and help text of each, declared once.

import { UsageError } from "../../errors.js";
import { checkRanges } from "../check-ranges.js";
import type { FmOptions } from "../fm/options.js";

export const rankingLosses = ["bpr", "warp", "sampled-softmax", "ccl"] as const;
export const rankingMetricNames = ["recall", "ndcg"] as const;

export interface RankingOptions {
  rankingLoss: (typeof rankingLosses)[number];
  /** candidates an event (bpr: the highest-scored is taken, warp: the first that violates), or negatives that a batch shares */
  negatives: number;
  noise: "uniform" | "popularity";
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

type Steps = Pick<FmOptions, "dim" | "epochs" | "learningRate" | "l2Weight" | "l2Vector" | "patience">;

/** What served best on gowalla's training part, a tenth of it held out (docs/algorithms/ranking.md). */
const steps: Record<RankingOptions["rankingLoss"], Steps> = {
  bpr: { dim: 64, epochs: 250, learningRate: 0.05, l2Weight: 0, l2Vector: 0.003, patience: 2 },
  warp: { dim: 64, epochs: 60, learningRate: 0.05, l2Weight: 0, l2Vector: 0.01, patience: 2 },
  "sampled-softmax": { dim: 64, epochs: 40, learningRate: 0.1, l2Weight: 0, l2Vector: 0, patience: 2 },
  ccl: { dim: 64, epochs: 40, learningRate: 0.1, l2Weight: 0, l2Vector: 0, patience: 2 },
};

/** Whether a batch's events share their negatives. */
export function isShared(loss: RankingOptions["rankingLoss"]): boolean {
  return loss === "sampled-softmax" || loss === "ccl";
}

/** What a loss sets of the options that all tasks have. @param matrix the model is of user and item alone */
export function rankingSteps(loss: RankingOptions["rankingLoss"], matrix: boolean): Steps {
  // scores that are no cosines have no bound, and take smaller steps
  return loss === "sampled-softmax" && !matrix ? { ...steps[loss], learningRate: 0.02 } : steps[loss];
}

/**
 * The options of a loss, what the user set before its defaults.
 *
 * @param matrix the model is of user and item alone
 * @throws {UsageError} an option is outside its range, or the loss takes user and item alone
 */
export function rankingOptions(told: Partial<RankingOptions>, matrix: boolean): RankingOptions {
  const { rankingLoss = "bpr" } = told;
  const options: RankingOptions = {
    rankingLoss,
    negatives: { bpr: 1, warp: 10, "sampled-softmax": 256, ccl: 256 }[rankingLoss],
    noise: rankingLoss === "sampled-softmax" ? "popularity" : "uniform",
    margin: rankingLoss === "ccl" ? 0.4 : 1,
    negativeWeight: 100,
    temperature: matrix ? 0.1 : 1,
    k: 20,
    metric: "ndcg",
    evaluateEvery: isShared(rankingLoss) ? 1 : 5,
    ...told,
  };
  checkRanges(rankingHyperparameters, options);
  if (rankingLoss === "ccl" && !matrix) {
    throw new UsageError(
      "--loss ccl compares directions of user and item alone: name these two with --fields, or take --loss sampled-softmax",
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
