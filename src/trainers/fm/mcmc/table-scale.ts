// Computes the factor by which the scores of a chain's table are multiplied.
//
// The mean of the draws ignores the chain's uncertainty, so its probabilities are too close to 0 and 1. One factor
// moderates all scores, as in MacKay 1992 (10.1162/neco.1992.4.5.720); it is fitted to the validation split like a
// temperature (Guo et al. 2017, arXiv:1706.04599). The order of scores does not change.
//
//   scores(a w0, a w, sqrt(a) V) = a scores(w0, w, V)

import type { FeatureRows } from "../../../dataset/rows.js";
import type { FmParameters } from "../../../factors/model.js";
import { MeanPrediction } from "./draws.js";
import { meanLoss, type Link } from "./link.js";

/** Bounds of the factor of a table's scores; at most 1, so that predictions never become more confident. */
const [LEAST, MOST] = [0.05, 1];
/** Number of steps of the golden-section search, which give a precision of 2e-5. */
const STEPS = 24;
const GOLDEN = (Math.sqrt(5) - 1) / 2;

/**
 * Returns the factor with the smallest loss, by golden-section search; the loss is convex in the factor.
 *
 * @param scores f32[numRows]: scores of the table
 * @returns an f32 in [0.05, 1]
 */
export function bestScale(link: Link, scores: Float32Array, rows: FeatureRows): number {
  const lossAt = (factor: number) => {
    const prediction = new MeanPrediction(link, rows.numRows);
    prediction.add(scores.map((s) => factor * s));
    return meanLoss("logistic", prediction.scores(), rows);
  };
  let [from, to]: [number, number] = [LEAST, MOST];
  let [left, right] = [to - GOLDEN * (to - from), from + GOLDEN * (to - from)];
  let [atLeft, atRight] = [lossAt(left), lossAt(right)];
  for (let step = 0; step < STEPS; step++) {
    if (atLeft <= atRight) {
      [to, right, atRight] = [right, left, atLeft];
      left = to - GOLDEN * (to - from);
      atLeft = lossAt(left);
    } else {
      [from, left, atLeft] = [left, right, atRight];
      right = from + GOLDEN * (to - from);
      atRight = lossAt(right);
    }
  }
  const found = Math.fround((from + to) / 2);
  return lossAt(found) < lossAt(MOST) ? found : MOST;
}

/**
 * Returns a copy of the model whose scores are multiplied by `factor`: weights by the factor, vectors by its square
 * root.
 */
export function scaledBy(factor: number, { dim, w0, w, vectors }: FmParameters): FmParameters {
  if (factor === 1) return { dim, w0: Math.fround(w0), w, vectors };
  const root = Math.sqrt(factor);
  return {
    dim,
    w0: Math.fround(factor * w0),
    w: w.map((x) => factor * x),
    vectors: vectors.map((x) => root * x),
  };
}
