// Sampled softmax in plain f64: the definition of correct for assembly/sampled-softmax.ts.

import { exp, log } from "../../../base/numeric/exp.js";

/**
 * Returns the loss of a row, and dLoss/dscore of each item.
 *
 * Source: Bengio and Senecal 2008 (doi:10.1109/TNN.2007.912312); Wu et al. 2023 (arXiv:2312.12882), eq. 13, for rho and
 * the bilateral form, which leaves the own item out of the sum.
 *
 * @param scores   scores of the row's own item, then of the negatives
 * @param logNoise log probability that each of these items is drawn as a negative
 * @param excluded whether each of these items is left out
 */
export function referenceSampledSoftmax(
  scores: readonly number[],
  logNoise: readonly number[],
  excluded: readonly boolean[],
  { temperature, rho, bilateral }: { temperature: number; rho: number; bilateral: boolean },
): { loss: number; gradients: number[] } {
  const logits = scores.map((s, k) => (excluded[k] ? -Infinity : s / temperature - logNoise[k]!));
  const isIn = (k: number) => logits[k] !== -Infinity && !(bilateral && k === 0);
  const highest = Math.max(...logits.filter((_, k) => isIn(k)));
  const shares = logits.map((z, k) => (isIn(k) ? exp(z - highest) : 0));
  const total = shares.reduce((sum, e) => sum + e, 0);
  return {
    loss: (total > 0 ? rho * (log(total) + highest) : 0) - logits[0]!,
    gradients: shares.map((e, k) => ((total > 0 ? (rho * e) / total : 0) - (k === 0 ? 1 : 0)) / temperature),
  };
}
