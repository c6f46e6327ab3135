// The factorization machine in plain f64: the definition of correct for assembly/main.ts.
//
//   score(x) = w0 + sum_i w_i x_i + 0.5 sum_d ((sum_i v_id x_i)^2 - sum_i (v_id x_i)^2)        Rendle 2010, eq. 1 and 5
//   S_d      = sum_i v_id x_i          g = dLoss/dscore          n = accumulators, starting at 1
//
// As in the kernel, score, g and S are computed at the batch's start, while v and w are updated row by row within it,
// except those of features that the batch's block of rows repeats (../shared/batch-steps.reference.ts). AdaGrad has one
// accumulator for a slice of v, which the mean of the squared gradients is added to. The kernel's 1 / sqrt(n) is within
// 7e-4 of the exact one (../shared/inverse-sqrt.reference.ts).

import { gradient, rowLoss } from "../../../base/numeric/losses.js";
import {
  exactInverseSqrt,
  referenceParameters,
  type ReferenceMethod,
  type ReferenceParameters,
  type ReferenceStep,
  vectorMethod,
} from "../shared/step.reference.js";
import {
  ReferenceBatchSteps,
  referenceRepeats,
  type ReferenceRepeats,
} from "../shared/batch-steps.reference.js";
import { sliceWidth } from "./binding.js";

/** Parameters with their optimizer state, all f64. */
export interface ReferenceFm {
  dim: number;
  w0: number;
  w0n: number;
  /** weight of each feature, [n] */
  w: Float64Array;
  weights: ReferenceParameters;
  /** vector of each feature, [n * dim], row-major */
  v: Float64Array;
  vectors: ReferenceParameters;
  /** f64[n * slices]: AdaGrad's accumulators of the slices */
  squares: Float64Array;
}

/** The (feature, value) pairs of a row, and its label. */
export interface ReferenceRow {
  ids: number[];
  values: number[];
  label: number;
  /** weight of the row; 1 if absent */
  weight?: number;
}

/** L2 of a feature's weight and vector, and the factor by which its learning rate is multiplied. */
export interface ReferenceRates {
  l2Weight: number;
  l2Vector: number;
  factor: number;
}

export interface ReferenceOptions {
  loss: "logistic" | "squared";
  method: ReferenceMethod;
  learningRate: number;
  /** learning rate of vectors; absent: that of weights and bias */
  vectorRate?: number;
  l1Weight: number;
  l2Weight: number;
  l2Vector: number;
  /** L2 and learning-rate factor of each feature; absent: all features have `l2Weight`, `l2Vector` and the factor 1 */
  rates?: (feature: number) => ReferenceRates;
  /** whether a feature is repeated in the batch's block of rows (repeats.ts); absent: no feature is */
  isRepeated?: (feature: number) => boolean;
  /** function for 1 / sqrt(x); kernelInverseSqrt imitates the kernel's; absent: exact */
  inverseSqrt?: (n: number) => number;
}

/**
 * Creates a model whose weights are zero and whose vectors have the given initial values; ftrl is a method of weights
 * only.
 */
export function referenceFm(
  dim: number,
  w0: number,
  first: ArrayLike<number>,
  method: ReferenceMethod,
): ReferenceFm {
  const weights = referenceParameters(new Float64Array(first.length / dim), method);
  const vectors = referenceParameters(first, vectorMethod(method));
  const squares = new Float64Array(weights.values.length * Math.ceil(dim / sliceWidth(dim))).fill(1);
  return { dim, w0, w0n: 1, w: weights.values, weights, v: vectors.values, vectors, squares };
}

/** Returns the sums S of a row: the sum of v x over its features. @returns f64[dim] */
export function referenceSums(model: ReferenceFm, row: ReferenceRow): Float64Array {
  const { dim, v } = model;
  const sums = new Float64Array(dim);
  row.ids.forEach((id, i) => {
    for (let d = 0; d < dim; d++) sums[d]! += v[id * dim + d]! * row.values[i]!;
  });
  return sums;
}

/** Returns the score of a row. */
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

/** Returns dLoss/dscore of each row, times its weight: of the logistic loss, or of half the squared loss. */
export function referenceScoreGradients(
  rows: readonly ReferenceRow[],
  scores: readonly number[],
  loss: ReferenceOptions["loss"],
): number[] {
  return rows.map(({ label, weight = 1 }, r) => weight * gradient(scores[r]!, label, loss === "squared").g);
}

/** Takes one AdaGrad step of the bias on the batch's mean gradient. */
export function referenceBiasStep(
  model: { w0: number; w0n: number },
  gradients: readonly number[],
  learningRate: number,
): void {
  const mean = gradients.reduce((a, b) => a + b, 0) / gradients.length;
  model.w0n += mean * mean;
  model.w0 -= (learningRate * mean) / Math.sqrt(model.w0n);
}

/** Returns the sum of the rows' losses times the rows' weights. */
export function referenceLoss(
  rows: readonly ReferenceRow[],
  scores: readonly number[],
  loss: ReferenceOptions["loss"],
): number {
  return rows.reduce((sum, { label, weight = 1 }, r) => sum + weight * rowLoss(loss, scores[r]!, label), 0);
}

/**
 * Returns the derivative of a row's loss by one element v of a feature's vector.
 * @param g derivative of the loss by the score
 * @param S sum of v x over the row's features in the same dimension
 */
export function referenceVectorGradient(g: number, x: number, S: number, v: number): number {
  return x * g * (S - x * v);
}

/** Takes AdaGrad's steps for the vectors of one batch; repeated features take one step each at the end of the batch. */
class SliceSteps {
  readonly #model: ReferenceFm;
  readonly #repeats: ReferenceRepeats;
  readonly #sums = new Map<number, { sum: number[]; step: ReferenceStep }>();

  constructor(model: ReferenceFm, repeats: ReferenceRepeats) {
    this.#model = model;
    this.#repeats = repeats;
  }

  /** Updates a feature's vector by the gradient of one row; for a repeated feature, adds the gradient to its sum. */
  take(feature: number, gradient: readonly number[], step: ReferenceStep): void {
    const { dim, v } = this.#model;
    const grad = gradient.map((x, d) => x + step.l2 * v[feature * dim + d]!);
    if (!this.#repeats.counts.has(feature)) {
      this.#move(feature, grad, step);
      return;
    }
    const before = this.#sums.get(feature)?.sum;
    this.#sums.set(feature, { sum: grad.map((x, d) => x + (before?.[d] ?? 0)), step });
  }

  finish(): void {
    for (const [feature, { sum, step }] of this.#sums) this.#move(feature, sum, step);
  }

  #move(feature: number, grad: readonly number[], { learningRate, inverseSqrt }: ReferenceStep): void {
    if (learningRate === 0) return;
    const { dim, v, squares } = this.#model;
    const K = sliceWidth(dim);
    const numSlices = Math.ceil(dim / K);
    for (let j = 0; j < numSlices; j++) {
      const slice = grad.slice(j * K, (j + 1) * K);
      const k = feature * numSlices + j;
      squares[k]! += slice.reduce((sum, x) => sum + x * x, 0) / slice.length;
      const root = (inverseSqrt ?? exactInverseSqrt)(squares[k]!);
      slice.forEach((x, d) => (v[feature * dim + j * K + d]! -= learningRate * x * root));
    }
  }
}

/**
 * Trains the model on one batch, in place.
 *
 * @returns sum of the rows' losses before the step, times their weights
 */
export function referenceBatch(model: ReferenceFm, rows: ReferenceRow[], options: ReferenceOptions): number {
  const { loss, method, learningRate, vectorRate = learningRate, l1Weight, inverseSqrt } = options;
  const { dim, v } = model;
  const stepsOf = ({ l2Weight, l2Vector, factor }: ReferenceRates) => ({
    ofWeight: { learningRate: learningRate * factor, l1: l1Weight, inverseSqrt, method, l2: l2Weight },
    ofVector: {
      ...{ learningRate: vectorRate * factor, l1: l1Weight, inverseSqrt },
      ...{ method: vectorMethod(method), l2: l2Vector },
    },
  });
  const alike = stepsOf({ ...options, factor: 1 });

  // scores and sums are computed before any parameter changes
  const scores = rows.map((row) => referenceScore(model, row));
  const sums = rows.map((row) => referenceSums(model, row));
  const gradients = referenceScoreGradients(rows, scores, loss);
  referenceBiasStep(model, gradients, learningRate);

  // a feature takes one step per row that has it; repeated features follow ../shared/batch-steps.reference.ts
  const repeats = referenceRepeats(rows, options.isRepeated ?? (() => false), loss);
  const weights = new ReferenceBatchSteps(model.weights, repeats);
  const vectors = new ReferenceBatchSteps(model.vectors, repeats);
  const slices = new SliceSteps(model, repeats);
  rows.forEach((row, r) => {
    row.ids.forEach((id, i) => {
      const x = row.values[i]!;
      const { ofWeight, ofVector } = options.rates ? stepsOf(options.rates(id)) : alike;
      weights.take(id, id, x * gradients[r]!, ofWeight);
      const vectorGradients: number[] = [];
      for (let d = 0; d < dim; d++)
        vectorGradients.push(referenceVectorGradient(gradients[r]!, x, sums[r]![d]!, v[id * dim + d]!));
      if (ofVector.method === "adagrad") slices.take(id, vectorGradients, ofVector);
      else vectorGradients.forEach((gradient, d) => vectors.take(id, id * dim + d, gradient, ofVector));
    });
  });
  weights.finish();
  vectors.finish();
  slices.finish();
  return referenceLoss(rows, scores, loss);
}
