// Sampled softmax in plain f64: the definition of correct for assembly/sampled-softmax.ts.

import { exp, log } from "../../numeric/exp.js";

/**
 * The loss of a row, and dLoss/dscore of each item.
 *
 * Source: Bengio and Senecal 2008 (doi:10.1109/TNN.2007.912312).
 *
 * @param scores   of the row's own item, then of the negatives
 * @param logNoise logs of the chances that these items are drawn
 * @param excluded which items are left out
 */
export function referenceSampledSoftmax(
  scores: readonly number[],
  logNoise: readonly number[],
  excluded: readonly boolean[],
  temperature: number,
): { loss: number; gradients: number[] } {
  const logits = scores.map((s, k) => (excluded[k] ? -Infinity : s / temperature - logNoise[k]!));
  const highest = Math.max(...logits);
  const shares = logits.map((z) => (z === -Infinity ? 0 : exp(z - highest)));
  const total = shares.reduce((sum, e) => sum + e, 0);
  return {
    loss: log(total) - (logits[0]! - highest),
    gradients: shares.map((e, k) => (e / total - (k === 0 ? 1 : 0)) / temperature),
  };
}
