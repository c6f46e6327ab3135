// Sampled softmax: the loss of four rows against N negatives that they share, and its gradients.
//
//   s   score of a row's own item or of a negative
//   z   logit: s / temperature - log(probability that the item is drawn as a negative)
//   l   loss:  rho log(exp(z_own) + sum over negatives of exp(z_n)) - z_own
//              rho log(sum over negatives of exp(z_n)) - z_own   if bilateral: the own item is not in the sum
//
// A row excludes a negative by a score of -Infinity. Source: Bengio and Senecal 2008 (doi:10.1109/TNN.2007.912312); Wu
// et al. 2023 (arXiv:2312.12882), eq. 13, for rho and the bilateral form. Twin: ../sampled-softmax.reference.ts.

import { exp4, log4 } from "./exp";
import { sum4 } from "./vector";

/** Below all logits. */
const LOWEST: f32 = -1e30;

function noiseAt(logNoise: usize, n: usize): v128 {
  return logNoise ? v128.load32_splat(logNoise + (n << 2)) : f32x4.splat(0);
}

/**
 * Replaces the scores of the negatives by dLoss/dscore, for four rows.
 *
 * @param scores       f32[N][4]
 * @param logNoise     f32[N]: log probability of each negative; 0 if all are equal, because the term then cancels
 * @param own          scores of the rows' own items, and their log probabilities
 * @param weights      weights of the rows; 0 for a missing row
 * @param rho          weight of the negatives
 * @param bilateral    whether the own item is left out of the sum
 * @param losses       f32[4], written
 * @param ownGradients f32[4], written: dLoss/dscore of the own items
 * @param columns      f32[N], written: sums over the rows of dLoss/dscore; absent (0) where they are not needed
 */
export function sampledSoftmax4(
  scores: usize,
  logNoise: usize,
  N: usize,
  own: v128,
  ownLogNoise: v128,
  weights: v128,
  temperature: f32,
  rho: f32,
  bilateral: bool,
  losses: usize,
  ownGradients: usize,
  columns: usize,
): void {
  const perTemperature = f32x4.splat(<f32>1 / temperature);

  // compute the highest logit of each row
  const ownLogit = f32x4.sub(f32x4.mul(own, perTemperature), ownLogNoise);
  let highest = bilateral ? f32x4.splat(LOWEST) : ownLogit;
  for (let n: usize = 0; n < N; n++) {
    const z = f32x4.sub(f32x4.mul(v128.load(scores + (n << 4)), perTemperature), noiseAt(logNoise, n));
    highest = f32x4.pmax(highest, z);
  }

  // compute the sum of the exponentials of each row's logits
  const zero = f32x4.splat(0);
  const ownExp = bilateral ? zero : exp4(f32x4.sub(ownLogit, highest));
  let total = ownExp;
  for (let n: usize = 0; n < N; n++) {
    const score = v128.load(scores + (n << 4));
    const z = f32x4.sub(f32x4.mul(score, perTemperature), noiseAt(logNoise, n));
    // exp4 clamps its argument, so the exponential of an excluded negative is set to 0 by a mask
    const e = v128.and(exp4(f32x4.sub(z, highest)), f32x4.gt(score, f32x4.splat(-Infinity)));
    v128.store(scores + (n << 4), e);
    total = f32x4.add(total, e);
  }
  // the loss is rho log(total) + (rho - 1) highest - (own - highest); for rho = 1, no large numbers are subtracted
  const rhos = f32x4.splat(rho);
  const sums = f32x4.add(f32x4.mul(rhos, log4(total)), f32x4.mul(f32x4.splat(rho - 1), highest));
  // if all negatives of a row are excluded, its own item is the only candidate
  const isEmpty = f32x4.eq(total, zero);
  const loss = f32x4.sub(sums, f32x4.sub(ownLogit, highest));
  v128.store(losses, f32x4.mul(v128.bitselect(f32x4.neg(ownLogit), loss, isEmpty), weights));

  // the derivative of the loss by a score is (rho times the item's probability, minus 1 for the own item) / temperature
  const scale = f32x4.mul(
    f32x4.mul(f32x4.mul(perTemperature, rhos), weights),
    f32x4.div(f32x4.splat(1), total),
  );
  // an empty row has a total of 0, and 1 / 0 times an exponential of 0 would be NaN
  const scales = v128.andnot(scale, isEmpty);
  const ownGradient = f32x4.sub(f32x4.mul(ownExp, scales), f32x4.mul(perTemperature, weights));
  v128.store(ownGradients, ownGradient);
  for (let n: usize = 0; n < N; n++) {
    const gradient = f32x4.mul(v128.load(scores + (n << 4)), scales);
    v128.store(scores + (n << 4), gradient);
    if (columns) store<f32>(columns + (n << 2), sum4(gradient));
  }
}
