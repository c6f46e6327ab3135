// Scores of all rows → the training part's gradients and the losses of all, by blocks that threads take; and by
// what a tree's gradients and hessians are multiplied to become integers.

import { BLOCK_ROWS, numBlocks, GRADIENT_BITS, HESSIAN_BITS } from "../../../kernels/gbdt/binding.js";
import type { OwnShare } from "./thread-share.js";

/** The minimized loss: the log loss of a log-odds, the squared error, or the log loss of several classes. */
export type Loss = "logistic" | "squared" | "softmax";

/**
 * Gradients of the training part, for every class, and the losses of all rows, as the scores stand; they and their sums are
 * there when all threads have called it.
 */
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

/** Sums of |g| and of h over the training part. */
export function gradientSums(share: OwnShare, ofClass: number): [sumG: number, sumH: number] {
  const { gradientSums: sums, gradientSumsApart, numTrain } = share.layout;
  return share.sumOf(sums + ofClass * gradientSumsApart, numBlocks(numTrain));
}

// Scales are powers of two, the greatest under which the sum of all magnitudes stays within its bits: then no partial sum, in
// any order, can exceed them either. Gradients have 50 bits and hessians 37: of 16 M rows of which one in a thousand is
// positive, a negative's gradient keeps 24 bits, all that f32 has, and its hessian 12.

const view = new DataView(new ArrayBuffer(8));

/**
 * @param sumG sum of |g|, finite
 * @param sumH sum of h, finite
 */
export function scalesOf(sumG: number, sumH: number): { scaleG: number; scaleH: number } {
  return { scaleG: scaleOf(sumG, GRADIENT_BITS), scaleH: scaleOf(sumH, HESSIAN_BITS) };
}

/** The greatest power of two by which a sum stays below 2^bits; 1 for a sum of nothing. */
function scaleOf(sum: number, bits: number): number {
  if (sum === 0) return 1;
  view.setFloat64(0, sum);
  // sum < 2^exponent
  const exponent = (view.getUint16(0) >>> 4) - 1022;
  return 2 ** Math.min(bits - exponent, 512);
}
