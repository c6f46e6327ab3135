// Our objective of implicit feedback as MLlib's ALS has it. In units of a, MLlib minimizes
//
//   Σ over ratings of w (t - s)^2 + ... : a row's system is   (H'H + α Σ |r| h h' + λ' n I) w = Σ over r > 0 of (1 + α r) h
//
//   ours:  (a H'H + Σ c h h' + p I) w = Σ c h        p = l2 (Σ c + a numOthers)       docs/algorithms/implicit.md
//
//   c  confidence of a pair      a  weight of the unobserved      n  a row's ratings above 0      r, α, λ'  rating, alpha, regParam
//
// With α = 1 / a and r = c, MLlib's H'H and Σ c h h' are ours over a, and its right side is Σ (1 + c/a) h in place of Σ c/a h.
//
//   equal c   the right side is k = 1 + a/c times ours: MLlib's vectors are ours times √k, with λ' = k p / (a n)
//   other c   a pair is two ratings, c - a and -a: a rating below 0 adds |r| to the left side alone, and the right side is Σ c/a h
//
// Source: Spark 4.3, mllib/src/main/scala/org/apache/spark/ml/recommendation/ALS.scala (computeFactors, with implicitPrefs).

import { UsageError } from "../../errors.js";
import type { AlsParameters } from "../../engine/mllib-als.js";

/** Events as sums say them. */
export interface EventSums {
  numPairs: number;
  numUsers: number;
  numItems: number;
  /** sum over pairs of c */
  confidence: number;
  /** the smallest and the largest c of a pair */
  range: [low: number, high: number];
}

/** How MLlib trains our objective. */
export interface MllibObjective {
  parameters: Pick<AlsParameters, "alpha" | "regParam">;
  /** the ratings of a pair: its confidence c; or two, c - a and -a */
  ratings: "confidence" | "split";
  /** what MLlib's vectors are multiplied by */
  scale: number;
}

/**
 * MLlib's parameters for our objective. Its penalty cannot have the summand a numOthers: a row's is in proportion to its ratings,
 * such that the penalties of all rows have the same sum as ours.
 *
 * @throws {UsageError} MLlib has no such objective
 */
export function mllibObjective(
  { numPairs, numUsers, numItems, confidence, range: [low, high] }: EventSums,
  { unobservedWeight: a, l2Vector }: { unobservedWeight: number; l2Vector: number },
): MllibObjective {
  if (a === 0)
    throw new UsageError(
      "--engine-train cannot be combined with --unobserved-weight 0: MLlib's unobserved pairs always have a weight",
    );
  const isEqual = low === high;
  if (!isEqual && a >= low)
    throw new UsageError(
      `--engine-train needs an --unobserved-weight below the weight of every pair of user and item, and the ` +
        `lowest is ${Number(low.toPrecision(3))}, got ${a}: lower --unobserved-weight, or train on this machine`,
    );
  const k = isEqual ? 1 + a / low : 1;
  const penalty = (l2Vector * (confidence + a * numUsers * numItems)) / numPairs;
  return {
    parameters: { alpha: 1 / a, regParam: (k * penalty) / a },
    ratings: isEqual ? "confidence" : "split",
    scale: Math.sqrt(1 / k),
  };
}
