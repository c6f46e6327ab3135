// Scores of all rows → their gradients, and their losses, by blocks that are dealt out to the threads.

import { BLOCK_ROWS } from "../../kernels/gbdt/binding.js";
import type { OwnShare } from "./own-share.js";

/** What is minimised: the log loss of a log-odds, the squared error, or the log loss of several classes. */
export type Loss = "logistic" | "squared" | "softmax";

/** Gradients of the training part, for every class; their sums are there when all threads have called it. */
export function takeGradients(share: OwnShare, loss: Loss): void {
  const { kernel, layout } = share;
  const { scores, scoresApart, labels, weights, pairs, pairsApart, numTrain, numClasses } = layout;
  for (const { first, n, block } of share.blocks(0, numTrain)) {
    const at = 4 * first;
    const own = weights === 0 ? 0 : weights + at;
    const [s, y, out] = [scores + at, labels + at, pairs + 2 * at];
    const sums = layout.gradientSums + 16 * block;
    if (loss !== "softmax") kernel.gradients(s, y, own, out, n, loss === "squared", sums);
    else {
      const apart = layout.gradientSumsApart;
      kernel.softmaxGradients(s, scoresApart, y, own, out, pairsApart, n, numClasses, sums, apart);
    }
  }
}

/** Sums of |g| and of h over the training part. */
export function gradientSums(share: OwnShare, ofClass: number): [sumG: number, sumH: number] {
  const { gradientSums: sums, gradientSumsApart, numTrain } = share.layout;
  return share.sumOf(sums + ofClass * gradientSumsApart, Math.ceil(numTrain / BLOCK_ROWS));
}

/** Losses of rows by blocks: this thread's, in the blocks' order. */
export function lossesOf(share: OwnShare, begin: number, end: number, loss: Loss): number[] {
  const { kernel, layout } = share;
  const { scores, scoresApart, labels, weights, numClasses } = layout;
  return [...share.blocks(begin, end)].map(({ first, n }) => {
    const at = 4 * first;
    const own = weights === 0 ? 0 : weights + at;
    return loss === "softmax"
      ? kernel.softmaxLosses(scores + at, scoresApart, labels + at, own, n, numClasses)
      : kernel.losses(scores + at, labels + at, own, n, loss === "squared");
  });
}
