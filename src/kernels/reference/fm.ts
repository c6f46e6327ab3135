// The factorization machine in plain f64: the definition of correct for ../assembly/fm.ts.
//
//   score(x) = w0 + sum_i w_i x_i + 0.5 sum_d ((sum_i v_id x_i)^2 - sum_i (v_id x_i)^2)         Rendle 2010, eq. 1 and 5
//   S_d      = sum_i v_id x_i          g = dLoss/dscore          n = accumulators, starting at 1
//
// One deviation from plain mini-batches, the kernel's own: score, g and S are those of the batch's start, while v and w move
// row by row within it. The kernel's 1 / sqrt(n) is within 7e-4 of the exact
// one (inverse-sqrt.ts).

import { exp, log } from "./exp.js";

/** Parameters with their accumulators, all f64. */
export interface ReferenceFm {
  dim: number;
  w0: number;
  w0n: number;
  /** [n] */
  w: Float64Array;
  wn: Float64Array;
  /** [n * dim], row-major */
  v: Float64Array;
  vn: Float64Array;
}

/** A row's (feature, value) pairs and its label. */
export interface ReferenceRow {
  ids: number[];
  values: number[];
  label: number;
}

export interface ReferenceOptions {
  loss: "logistic" | "squared";
  learningRate: number;
  l2Weight: number;
  l2Vector: number;
  /** 1 / sqrt(n); kernelInverseSqrt for the kernel's own, exact when absent */
  inverseSqrt?: (n: number) => number;
}

/** A model of zero weights and the given first vectors. */
export function referenceFm(dim: number, w0: number, vectors: ArrayLike<number>): ReferenceFm {
  const n = vectors.length / dim;
  return {
    dim,
    w0,
    w0n: 1,
    w: new Float64Array(n),
    wn: new Float64Array(n).fill(1),
    v: Float64Array.from(vectors),
    vn: new Float64Array(vectors.length).fill(1),
  };
}

/** S of a row. @returns f64[dim] */
export function referenceSums(model: ReferenceFm, row: ReferenceRow): Float64Array {
  const { dim, v } = model;
  return Float64Array.from({ length: dim }, (_, d) =>
    row.ids.reduce((sum, id, i) => sum + v[id * dim + d]! * row.values[i]!, 0),
  );
}

/** The score of a row. */
export function referenceScore(model: ReferenceFm, row: ReferenceRow): number {
  const { dim, v, w } = model;
  let score = model.w0;
  row.ids.forEach((id, i) => (score += w[id]! * row.values[i]!));
  referenceSums(model, row).forEach((s, d) => {
    const squares = row.ids.reduce((sum, id, i) => sum + (v[id * dim + d]! * row.values[i]!) ** 2, 0);
    score += 0.5 * (s * s - squares);
  });
  return score;
}

/** Logistic loss in nats, or squared loss, of a score. */
export function referenceLoss(loss: ReferenceOptions["loss"], score: number, label: number): number {
  if (loss === "squared") return (score - label) ** 2;
  return Math.max(score, 0) - label * score + log(1 + exp(-Math.abs(score)));
}

/** g: dLoss/dscore of the logistic loss, and of half the squared loss. */
export function referenceSlope(loss: ReferenceOptions["loss"], score: number, label: number): number {
  return (loss === "squared" ? score : 1 / (1 + exp(-score))) - label;
}

/** Derivative by v_id of loss + 0.5 l2 v_id^2, given the row's slope and S_d. */
export function referenceVectorGradient(g: number, x: number, S: number, v: number, l2: number): number {
  return x * g * (S - x * v) + l2 * v;
}

/** Derivative by w_i of loss + 0.5 l2 w_i^2, given the row's slope. */
export function referenceWeightGradient(g: number, x: number, w: number, l2: number): number {
  return x * g + l2 * w;
}

/**
 * Trains on one batch, in place.
 *
 * @returns sum of the rows' losses before the step
 */
export function referenceBatch(model: ReferenceFm, rows: ReferenceRow[], options: ReferenceOptions): number {
  const { loss, learningRate: lr, l2Weight, l2Vector } = options;
  const { dim, w, wn, v, vn } = model;
  const inverseSqrt = options.inverseSqrt ?? ((n) => 1 / Math.sqrt(n));

  // everything that rows share is taken before any of them moves a parameter
  const scores = rows.map((row) => referenceScore(model, row));
  const sums = rows.map((row) => referenceSums(model, row));
  const slopes = rows.map((row, r) => referenceSlope(loss, scores[r]!, row.label));

  // the bias takes one step on the batch's mean slope
  const mean = slopes.reduce((a, b) => a + b, 0) / rows.length;
  model.w0n += mean * mean;
  model.w0 -= (lr * mean) / Math.sqrt(model.w0n);

  // every feature takes one step for each row that holds it
  rows.forEach((row, r) => {
    row.ids.forEach((id, i) => {
      const x = row.values[i]!;
      const gradW = referenceWeightGradient(slopes[r]!, x, w[id]!, l2Weight);
      wn[id]! += gradW * gradW;
      w[id]! -= lr * gradW * inverseSqrt(wn[id]!);
      for (let d = 0; d < dim; d++) {
        const k = id * dim + d;
        const gradV = referenceVectorGradient(slopes[r]!, x, sums[r]![d]!, v[k]!, l2Vector);
        vn[k]! += gradV * gradV;
        v[k]! -= lr * gradV * inverseSqrt(vn[k]!);
      }
    });
  });
  return scores.reduce((sum, score, r) => sum + referenceLoss(loss, score, rows[r]!.label), 0);
}
