// The field-aware factorization machine in plain f64: the definition of correct for ../assembly/ffm.ts.
//
//   score(x) = w0 + sum_i w_i x_i + sum_{i<j} <v_(i, field of j), v_(j, field of i)> x_i x_j      Juan et al. 2016, eq. 4
//   g        = dLoss/dscore          n = accumulators, starting at 1
//
// As in the kernel, score and g are those of the batch's start, while v and w move row by row within it, the pairs of a row in
// the order of its features.

import {
  referenceLoss,
  type ReferenceOptions,
  type ReferenceRow,
  referenceSlope,
  referenceWeightGradient,
} from "./fm.js";

/** Parameters with their accumulators, all f64. */
export interface ReferenceFfm {
  dim: number;
  numFields: number;
  /** [n] */
  fieldOf: ArrayLike<number>;
  w0: number;
  w0n: number;
  /** [n] */
  w: Float64Array;
  wn: Float64Array;
  /** [n][fields][dim] */
  v: Float64Array;
  vn: Float64Array;
}

/** A model of zero weights and the given first vectors. */
export function referenceFfm(
  dim: number,
  fieldOf: ArrayLike<number>,
  w0: number,
  vectors: ArrayLike<number>,
): ReferenceFfm {
  const n = fieldOf.length;
  return {
    dim,
    numFields: vectors.length / n / dim,
    fieldOf,
    w0,
    w0n: 1,
    w: new Float64Array(n),
    wn: new Float64Array(n).fill(1),
    v: Float64Array.from(vectors),
    vn: new Float64Array(vectors.length).fill(1),
  };
}

/** The row with its values divided by their Euclidean norm. */
export function referenceNormalized(row: ReferenceRow): ReferenceRow {
  const norm = Math.sqrt(row.values.reduce((sum, x) => sum + x * x, 0)) || 1;
  return { ...row, values: row.values.map((x) => x / norm) };
}

/** Calls `visit` for each pair of a row: where v_(i, field of j) and v_(j, field of i) start, and x_i x_j. */
function forEachPair(
  { dim, numFields, fieldOf }: ReferenceFfm,
  { ids, values }: ReferenceRow,
  visit: (p: number, q: number, xx: number) => void,
): void {
  ids.forEach((i, a) => {
    ids.slice(a + 1).forEach((j, b) => {
      const p = (i * numFields + fieldOf[j]!) * dim;
      const q = (j * numFields + fieldOf[i]!) * dim;
      visit(p, q, values[a]! * values[a + 1 + b]!);
    });
  });
}

/** Score of a row. */
export function referenceFfmScore(model: ReferenceFfm, row: ReferenceRow): number {
  let score = model.w0;
  row.ids.forEach((id, i) => (score += model.w[id]! * row.values[i]!));
  forEachPair(model, row, (p, q, xx) => {
    for (let d = 0; d < model.dim; d++) score += model.v[p + d]! * model.v[q + d]! * xx;
  });
  return score;
}

/** Derivative by v of loss + 0.5 l2 v^2, given the row's slope, x_i x_j and the partner's number of that dimension. */
export function referencePairGradient(g: number, xx: number, partner: number, v: number, l2: number): number {
  return xx * g * partner + l2 * v;
}

/**
 * Trains on one batch, in place.
 *
 * @returns sum of the rows' losses before the step
 */
export function referenceFfmBatch(
  model: ReferenceFfm,
  rows: ReferenceRow[],
  options: ReferenceOptions,
): number {
  const { loss, learningRate: lr, l2Weight, l2Vector } = options;
  const { dim, w, wn, v, vn } = model;
  const inverseSqrt = options.inverseSqrt ?? ((n) => 1 / Math.sqrt(n));

  // scores are taken before any row moves a parameter
  const scores = rows.map((row) => referenceFfmScore(model, row));
  const slopes = rows.map((row, r) => referenceSlope(loss, scores[r]!, row.label));

  // the bias takes one step on the batch's mean slope
  const mean = slopes.reduce((a, b) => a + b, 0) / rows.length;
  model.w0n += mean * mean;
  model.w0 -= (lr * mean) / Math.sqrt(model.w0n);

  rows.forEach((row, r) => {
    row.ids.forEach((id, i) => {
      const grad = referenceWeightGradient(slopes[r]!, row.values[i]!, w[id]!, l2Weight);
      wn[id]! += grad * grad;
      w[id]! -= lr * grad * inverseSqrt(wn[id]!);
    });
    // both vectors of a pair take one step from where both stand
    forEachPair(model, row, (p, q, xx) => {
      for (let d = 0; d < dim; d++) {
        const [vp, vq] = [v[p + d]!, v[q + d]!];
        const gradP = referencePairGradient(slopes[r]!, xx, vq, vp, l2Vector);
        const gradQ = referencePairGradient(slopes[r]!, xx, vp, vq, l2Vector);
        vn[p + d]! += gradP * gradP;
        vn[q + d]! += gradQ * gradQ;
        v[p + d]! -= lr * gradP * inverseSqrt(vn[p + d]!);
        v[q + d]! -= lr * gradQ * inverseSqrt(vn[q + d]!);
      }
    });
  });
  return scores.reduce((sum, score, r) => sum + referenceLoss(loss, score, rows[r]!.label), 0);
}
