// Sampled softmax: the loss of four rows against N negatives that they share, and its gradients.
//
//   s   score of a row's own item or of a negative        z = s / temperature - log(chance that the item is drawn)
//   l = log(exp(z_own) + sum over negatives of exp(z_n)) - z_own
//
// A row leaves a negative out by a score of -Infinity. Source: Bengio and Senecal 2008 (doi:10.1109/TNN.2007.912312). Twin:
// ../reference-sampled-softmax.ts.

import { exp4, log4 } from "./exp";
import { sum4 } from "./vector";

/** log of a negative's chance, in all lanes; 0 where all chances are the same, as they then cancel. */
function noiseAt(logNoise: usize, n: usize): v128 {
  return logNoise ? v128.load32_splat(logNoise + (n << 2)) : f32x4.splat(0);
}

/**
 * Replaces the scores of the negatives by dLoss/dscore.
 *
 * @param scores       f32[N][4]
 * @param logNoise     f32[N]: log of each negative's chance; 0 if all are the same
 * @param own          scores of the rows' own items, and the logs of their chances
 * @param weights      of the rows; 0 for a row that does not exist
 * @param losses       f32[4], written
 * @param ownGradients f32[4], written: dLoss/dscore of the own items
 * @param columns      f32[N], written: sums over the rows of dLoss/dscore, or of dLoss/dscore times score
 */
export function sampledSoftmax4(
  scores: usize,
  logNoise: usize,
  N: usize,
  own: v128,
  ownLogNoise: v128,
  weights: v128,
  temperature: f32,
  losses: usize,
  ownGradients: usize,
  columns: usize,
  timesScore: bool,
): void {
  const perTemperature = f32x4.splat(<f32>1 / temperature);

  // the highest logit of each row
  const ownLogit = f32x4.sub(f32x4.mul(own, perTemperature), ownLogNoise);
  let highest = ownLogit;
  for (let n: usize = 0; n < N; n++) {
    const z = f32x4.sub(f32x4.mul(v128.load(scores + (n << 4)), perTemperature), noiseAt(logNoise, n));
    highest = f32x4.max(highest, z);
  }

  // the sum of exponentials
  const ownExp = exp4(f32x4.sub(ownLogit, highest));
  let total = ownExp;
  for (let n: usize = 0; n < N; n++) {
    const score = v128.load(scores + (n << 4));
    const z = f32x4.sub(f32x4.mul(score, perTemperature), noiseAt(logNoise, n));
    // exp4 clamps its argument, so a negative that is left out is masked
    const e = v128.and(exp4(f32x4.sub(z, highest)), f32x4.gt(score, f32x4.splat(-Infinity)));
    total = f32x4.add(total, e);
  }
  const loss = f32x4.sub(log4(total), f32x4.sub(ownLogit, highest));
  v128.store(losses, f32x4.mul(loss, weights));

  // dLoss/ds = (probability - 1 for the own item) / temperature
  const scale = f32x4.mul(f32x4.mul(perTemperature, weights), f32x4.div(f32x4.splat(1), total));
  const ownGradient = f32x4.sub(f32x4.mul(ownExp, scale), f32x4.mul(perTemperature, weights));
  v128.store(ownGradients, ownGradient);
  for (let n: usize = 0; n < N; n++) {
    const score = v128.load(scores + (n << 4));
    const z = f32x4.sub(f32x4.mul(score, perTemperature), noiseAt(logNoise, n));
    const counts = f32x4.gt(score, f32x4.splat(-Infinity));
    const gradient = v128.and(f32x4.mul(exp4(f32x4.sub(z, highest)), scale), counts);
    v128.store(scores + (n << 4), gradient);
    const column = timesScore ? v128.and(f32x4.mul(gradient, score), counts) : gradient;
    store<f32>(columns + (n << 2), sum4(column));
  }
}
