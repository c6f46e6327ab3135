// Losses computed from the scores of an event, in plain f64: part of the definition of the correct result for
// assembly/main.ts.

import { gradient, rowLoss } from "../../numeric/losses.js";
import { referenceSampledSoftmax } from "../shared/sampled-softmax.reference.js";

export interface ReferenceRankingOptions {
  loss: "bpr" | "warp" | "sampled-softmax" | "ccl";
  cosine: boolean;
  method: "adagrad" | "adam" | "sgd";
  learningRate: number;
  l2Weight: number;
  l2Vector: number;
  margin: number;
  negativeWeight: number;
  temperature: number;
  /** weight of an event whose first candidate that violates the margin is the k-th (warp) */
  rankWeights: ArrayLike<number>;
}

/**
 * Returns the negative that an event's scores choose, the loss, and dLoss/dx of x = s_0 - s_negative.
 *
 * BPR: Rendle et al. 2009 (arXiv:1205.2618), the hardest of several candidates as Zhang et al. 2013
 * (doi:10.1145/2484028.2484126), or the one of a rank as Ying et al. 2018 (arXiv:1806.01973), section 3.3. WARP: Weston
 * et al. 2011, eq. 6.
 *
 * @param rank rank of the negative among the candidates by score, 1 the highest; of equal scores, the earlier comes
 *   first (bpr)
 * @returns negative: 0 if no candidate violates the margin (warp)
 */
export function pairLoss(
  scores: readonly number[],
  { loss, margin, rankWeights }: ReferenceRankingOptions,
  rank = 1,
): { negative: number; loss: number; gradient: number } {
  if (loss === "bpr") {
    const candidates = scores.map((_, k) => k).slice(1);
    const negative = candidates.sort((a, b) => scores[b]! - scores[a]! || a - b)[rank - 1]!;
    const x = scores[0]! - scores[negative]!;
    return { negative, loss: rowLoss("logistic", x, 1), gradient: gradient(x, 1, false).g };
  }
  const negative = scores.findIndex((s, k) => k > 0 && !(s <= scores[0]! - margin));
  if (negative < 0) return { negative: 0, loss: 0, gradient: 0 };
  const weight = rankWeights[negative]!;
  return { negative, loss: weight * (margin - scores[0]! + scores[negative]!), gradient: -weight };
}

/**
 * Returns the loss of an event's scores against shared negatives, and dLoss/dscore of each.
 *
 * Sampled softmax: Bengio and Senecal 2008 (doi:10.1109/TNN.2007.912312). CCL: Mao et al. 2021 (arXiv:2109.12317), eq.
 * 1.
 *
 * @param scores   scores of the event's own item, then of the negatives
 * @param logNoise log probability of each of these items as a negative
 * @param excluded whether each negative is left out
 */
export function contrastLoss(
  scores: readonly number[],
  logNoise: readonly number[],
  excluded: readonly boolean[],
  { loss, cosine, margin, negativeWeight, temperature }: ReferenceRankingOptions,
): { loss: number; gradients: number[] } {
  if (loss === "ccl") {
    const share = negativeWeight / (scores.length - 1);
    const counts = scores.map((s, k) => k > 0 && !excluded[k] && s > margin);
    return {
      loss: 1 - scores[0]! + scores.reduce((sum, s, k) => sum + (counts[k] ? share * (s - margin) : 0), 0),
      gradients: scores.map((_, k) => (k === 0 ? -1 : counts[k] ? share : 0)),
    };
  }
  const how = { temperature, rho: negativeWeight, bilateral: cosine };
  return referenceSampledSoftmax(scores, logNoise, excluded, how);
}
