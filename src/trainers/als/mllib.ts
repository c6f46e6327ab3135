// Converts our objective of implicit feedback to parameters and ratings of MLlib's ALS. In units of a, MLlib minimizes
//
//   Σ over ratings of w (t - s)^2 + ...; the linear system of a row is
//
//   MLlib's  (H'H + α Σ |r| h h' + λ' n I) w = Σ over r > 0 of (1 + α r) h
//   ours     (a H'H + Σ c h h' + p I) w = Σ c h        p = l2 (Σ c + a numOthers)       docs/algorithms/implicit.md
//
//   c         confidence of a pair             a  weight of a pair without an event
//   r, α, λ'  rating, alpha, regParam          n  number of the row's ratings above 0
//
// With α = 1 / a and r = c, MLlib's left side without its penalty is ours divided by a, but its right side is
// Σ (1 + c/a) h instead of Σ c/a h.
//
//   if all c are equal   the right side is k = 1 + a/c times ours: MLlib's vectors are ours times √k, with
//                        λ' = k p / (a n)
//   otherwise            a pair becomes two ratings, c - a and -a: a rating below 0 adds |r| to the left side alone, so
//                        that the right side is Σ c/a h
//
// Source: Spark 4.3, mllib/src/main/scala/org/apache/spark/ml/recommendation/ALS.scala (computeFactors, with
// implicitPrefs).

import { UsageError } from "../../errors.js";
import type { AlsParameters } from "../../engine/mllib-als.js";

/** Sums over the events, from which MLlib's parameters are computed. */
export interface EventSums {
  numPairs: number;
  numUsers: number;
  numItems: number;
  /** sum of the confidence c over all pairs */
  confidence: number;
  /** the smallest and the largest confidence c of a pair */
  range: [low: number, high: number];
}

/** Parameters, ratings and scale with which MLlib minimizes our objective. */
export interface MllibObjective {
  parameters: Pick<AlsParameters, "alpha" | "regParam">;
  /**
   * how ratings are made of a pair's confidence c: `confidence`, one rating c; `split`, two ratings c - a and -a, where
   * a is the weight of a pair without events
   */
  ratings: "confidence" | "split";
  /** factor by which MLlib's vectors are multiplied */
  scale: number;
}

/**
 * Returns MLlib's parameters for our objective. MLlib's penalty of a row is proportional to its number of ratings,
 * whereas ours also has a term for unobserved pairs: their weight times the number of rows on the other side. MLlib's
 * penalty is scaled so that the sum over all rows equals ours.
 *
 * @throws {UsageError} MLlib cannot minimize this objective
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
