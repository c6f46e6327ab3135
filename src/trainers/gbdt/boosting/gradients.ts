// Computes the gradients of the training split and the losses of all rows from the scores, in blocks that threads take,
// and the factors by which gradients and hessians are converted to integers.

import { BLOCK_ROWS, numBlocks, GRADIENT_BITS, HESSIAN_BITS } from "../../../compute/kernels/gbdt/binding.js";
import type { OwnShare } from "./thread-share.js";

/** Log loss of log-odds, squared error, or log loss of several classes. */
export type Loss = "logistic" | "squared" | "softmax";

/** Gradients, for every class, and losses are complete when all threads have called it. */
export function takeGradients(share: OwnShare, loss: Loss): void {
  const { kernel, layout } = share;
  const { scores, scoresApart, labels, weights, pairs, pairsApart, numTrain, numRows, numClasses } = layout;
  const isSquared = loss === "squared";
  const lossOf = new Float64Array(
    share.buffer,
    layout.losses,
    numBlocks(numTrain) + numBlocks(numRows - numTrain),
  );
  const trainBlocks = numBlocks(numTrain);
  share.take(lossOf.length, (block) => {
    const isTrain = block < trainBlocks;
    const first = isTrain ? block * BLOCK_ROWS : numTrain + (block - trainBlocks) * BLOCK_ROWS;
    const n = Math.min(BLOCK_ROWS, (isTrain ? numTrain : numRows) - first);
    const at = 4 * first;
    const own = weights === 0 ? 0 : weights + at;
    const [s, y, out] = [scores + at, labels + at, pairs + 2 * at];
    const [sums, apart] = [layout.gradientSums + 16 * block, layout.gradientSumsApart];
    if (isTrain)
      lossOf[block] =
        loss === "softmax"
          ? kernel.softmaxGradients(s, scoresApart, y, own, out, pairsApart, n, numClasses, sums, apart)
          : kernel.gradients(s, y, own, out, n, isSquared, sums);
    else
      lossOf[block] =
        loss === "softmax"
          ? kernel.softmaxLosses(s, scoresApart, y, own, n, numClasses)
          : kernel.losses(s, y, own, n, isSquared);
  });
}

/** Sums of |g| and of h over the training split. */
export function gradientSums(share: OwnShare, ofClass: number): [sumG: number, sumH: number] {
  const { gradientSums: sums, gradientSumsApart, numTrain } = share.layout;
  return share.sumOf(sums + ofClass * gradientSumsApart, numBlocks(numTrain));
}

// Gradients and hessians are multiplied by factors and rounded to integers. A factor is the greatest power of two for
// which the sum of all magnitudes stays within the available bits, so that no partial sum, in any order, can overflow.
// Gradients have 50 bits and hessians 37. With 16 M rows of which one in a thousand is positive, a negative's gradient
// keeps 24 bits, as many as f32 has, and its hessian 12.

const view = new DataView(new ArrayBuffer(8));

/** Both sums are finite. */
export function scalesOf(sumG: number, sumH: number): { scaleG: number; scaleH: number } {
  return { scaleG: scaleOf(sumG, GRADIENT_BITS), scaleH: scaleOf(sumH, HESSIAN_BITS) };
}

/** The greatest power of two whose product with the sum is below 2^bits; 1 if the sum is 0. */
function scaleOf(sum: number, bits: number): number {
  if (sum === 0) return 1;
  view.setFloat64(0, sum);
  // the sum is below 2^exponent
  const exponent = (view.getUint16(0) >>> 4) - 1022;
  return 2 ** Math.min(bits - exponent, 512);
}
