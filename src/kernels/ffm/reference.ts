// The field-aware factorization machine in plain f64: the definition of correct for assembly/main.ts.
//
//   score(x) = w0 + sum_i w_i x_i + sum_{i<j} <v_(i, field of j), v_(j, field of i)> x_i x_j      Juan et al. 2016, eq. 4
//   g        = dLoss/dscore          n = accumulators, starting at 1
//
// As in the kernel, score and g are those of the batch's start, while v and w move row by row within it, the pairs of a row in
// the order of its features; those of repeated features as ../shared/reference-batch-steps.ts says.

import {
  referenceBiasStep,
  referenceLoss,
  type ReferenceOptions,
  type ReferenceRow,
  referenceScoreGradients,
} from "../fm/reference.js";
import { ReferenceBatchSteps, referenceRepeats } from "../shared/reference-batch-steps.js";
import {
  referenceParameters,
  type ReferenceMethod,
  type ReferenceParameters,
  type ReferenceStep,
  vectorMethod,
} from "../shared/reference-step.js";

/** Parameters with their state, all f64. */
export interface ReferenceFfm {
  dim: number;
  numFields: number;
  /** [n] */
  fieldOf: ArrayLike<number>;
  w0: number;
  w0n: number;
  /** [n] */
  w: Float64Array;
  weights: ReferenceParameters;
  /** [n][fields][dim] */
  v: Float64Array;
  vectors: ReferenceParameters;
}

/** A model of zero weights and the given first vectors. */
export function referenceFfm(
  dim: number,
  fieldOf: ArrayLike<number>,
  w0: number,
  first: ArrayLike<number>,
  method: ReferenceMethod,
): ReferenceFfm {
  const numFields = first.length / fieldOf.length / dim;
  const weights = referenceParameters(new Float64Array(fieldOf.length), method);
  const vectors = referenceParameters(first, vectorMethod(method));
  return { dim, numFields, fieldOf, w0, w0n: 1, w: weights.values, weights, v: vectors.values, vectors };
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
  visit: (p: number, q: number, xx: number, i: number, j: number) => void,
): void {
  ids.forEach((i, a) => {
    ids.slice(a + 1).forEach((j, b) => {
      const p = (i * numFields + fieldOf[j]!) * dim;
      const q = (j * numFields + fieldOf[i]!) * dim;
      visit(p, q, values[a]! * values[a + 1 + b]!, i, j);
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

/** Derivative by v_(i, field of j) of a row's loss as far as j goes, given its gradient, x_i x_j and v_(j, field of i). */
export function referencePairGradient(g: number, xx: number, partner: number): number {
  return xx * g * partner;
}

/**
 * Trains on one batch, in place.
 *
 * @returns sum of the rows' losses before the step, each times what its row counts
 */
export function referenceFfmBatch(
  model: ReferenceFfm,
  rows: ReferenceRow[],
  options: ReferenceOptions,
): number {
  const { loss, learningRate, vectorRate = learningRate, inverseSqrt, method } = options;
  const stepOf = (feature: number, of: "l2Weight" | "l2Vector", by: ReferenceMethod): ReferenceStep => {
    const rates = options.rates?.(feature) ?? { ...options, factor: 1 };
    const common = { method: by, l1: options.l1Weight, ...(inverseSqrt && { inverseSqrt }) };
    const rate = of === "l2Vector" ? vectorRate : learningRate;
    return { ...common, learningRate: rate * rates.factor, l2: rates[of] };
  };
  // made once a feature: a row has hundreds of pairs
  const stepsOf = (of: "l2Weight" | "l2Vector", by: ReferenceMethod) => {
    const steps = new Map<number, ReferenceStep>();
    return (feature: number): ReferenceStep => {
      const step = steps.get(feature) ?? stepOf(feature, of, by);
      steps.set(feature, step);
      return step;
    };
  };

  // scores are taken before any row moves a parameter
  const scores = rows.map((row) => referenceFfmScore(model, row));
  const gradients = referenceScoreGradients(rows, scores, loss);
  referenceBiasStep(model, gradients, learningRate);

  const repeats = referenceRepeats(rows, options.isRepeated ?? (() => false), loss);
  const weights = new ReferenceBatchSteps(model.weights, repeats);
  const vectors = new ReferenceBatchSteps(model.vectors, repeats);
  const weightStep = stepsOf("l2Weight", method);
  const vectorStep = stepsOf("l2Vector", vectorMethod(method));
  rows.forEach((row, r) => {
    const g = gradients[r]!;
    row.ids.forEach((id, i) => {
      weights.take(id, id, row.values[i]! * g, weightStep(id));
    });
    // both vectors of a pair take one step from where they stand
    forEachPair(model, row, (p, q, xx, i, j) => {
      const [stepI, stepJ] = [vectorStep(i), vectorStep(j)];
      for (let d = 0; d < model.dim; d++) {
        const [ofI, ofJ] = [model.v[p + d]!, model.v[q + d]!];
        vectors.take(i, p + d, referencePairGradient(g, xx, ofJ), stepI);
        vectors.take(j, q + d, referencePairGradient(g, xx, ofI), stepJ);
      }
    });
  });
  weights.finish();
  vectors.finish();
  return referenceLoss(rows, scores, loss);
}
