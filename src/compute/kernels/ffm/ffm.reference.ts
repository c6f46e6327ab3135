// The field-aware factorization machine in plain f64: the definition of correct for assembly/main.ts.
//
//   score(x) = w0 + sum_i w_i x_i + sum_{i<j} <v_(i, field of j), v_(j, field of i)> x_i x_j    Juan et al. 2016, eq. 4
//   g        = dLoss/dscore          n = accumulators, starting at 1
//
// As in the kernel, score, g and the squares that AdaGrad adds up are computed at the batch's start, while v and w are
// updated row by row, and within a row in the order of its features. Repeated features are updated as in
// ../shared/batch-steps.reference.ts. The vectors of a feature for the fields of one block (tiles.ts) share an
// accumulator:
//
//   s_(i,B)  = sum over j of the row, of a field of block B, of |x_i x_j v_(j, field of i)|^2
//   n_(i,B) <- n_(i,B) + g^2 s_(i,B) / (fields of B, times dim)
//   v_(i,b) <- v_(i,b) - lr (x_i x_j g v_(j, field of i) + l2 v_(i,b)) / sqrt(n_(i,B))

import {
  referenceBiasStep,
  referenceLoss,
  type ReferenceOptions,
  type ReferenceRow,
  referenceScoreGradients,
} from "../fm/fm.reference.js";
import { ReferenceBatchSteps, referenceRepeats } from "../shared/batch-steps.reference.js";
import {
  exactInverseSqrt,
  referenceParameters,
  type ReferenceMethod,
  type ReferenceParameters,
  type ReferenceStep,
  vectorMethod,
} from "../shared/step.reference.js";
import { fieldsPerBlock } from "./binding.js";

/** Parameters with their state, all f64. */
export interface ReferenceFfm {
  dim: number;
  numFields: number;
  /** field of each feature, [n] */
  fieldOf: ArrayLike<number>;
  w0: number;
  w0n: number;
  /** weight of each feature, [n] */
  w: Float64Array;
  weights: ReferenceParameters;
  /** vector of each feature for each partner field, [n][fields][dim] */
  v: Float64Array;
  vectors: ReferenceParameters;
  /** AdaGrad's accumulators by feature and block of partner fields, [n][blocks] */
  squares: Float64Array;
}

/** Creates a model whose weights are zero and whose vectors have the given initial values. */
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
  const squares = new Float64Array(fieldOf.length * Math.ceil(numFields / fieldsPerBlock(numFields))).fill(1);
  const common = { dim, numFields, fieldOf, w0, w0n: 1, squares };
  return { ...common, w: weights.values, weights, v: vectors.values, vectors };
}

/** Returns the row with its values divided by their Euclidean norm. */
export function referenceNormalized(row: ReferenceRow): ReferenceRow {
  const norm = Math.sqrt(row.values.reduce((sum, x) => sum + x * x, 0)) || 1;
  return { ...row, values: row.values.map((x) => x / norm) };
}

/**
 * Calls `visit` for each pair (i, j) of a row, with the indexes of v_(i, field of j) and v_(j, field of i) in v, and
 * with x_i x_j.
 */
function forEachPair(
  { dim, numFields, fieldOf }: ReferenceFfm,
  { ids, values }: ReferenceRow,
  visit: (p: number, q: number, xx: number, i: number, j: number) => void,
): void {
  for (let a = 0; a < ids.length; a++) {
    for (let b = a + 1; b < ids.length; b++) {
      const [i, j] = [ids[a]!, ids[b]!];
      const p = (i * numFields + fieldOf[j]!) * dim;
      const q = (j * numFields + fieldOf[i]!) * dim;
      visit(p, q, values[a]! * values[b]!, i, j);
    }
  }
}

/** Returns the score of a row. */
export function referenceFfmScore(model: ReferenceFfm, row: ReferenceRow): number {
  let score = model.w0;
  row.ids.forEach((id, i) => (score += model.w[id]! * row.values[i]!));
  forEachPair(model, row, (p, q, xx) => {
    for (let d = 0; d < model.dim; d++) score += model.v[p + d]! * model.v[q + d]! * xx;
  });
  return score;
}

/**
 * Returns the contribution of partner feature j to the derivative of the loss by v_(i, field of j), the vector of
 * feature i for the field of j.
 *
 * @param g derivative of the loss by the score
 * @param xx x_i x_j
 * @param partner a number of v_(j, field of i)
 */
export function referencePairGradient(g: number, xx: number, partner: number): number {
  return xx * g * partner;
}

/** Takes AdaGrad's steps for the vectors of one batch. */
class BlockSteps {
  readonly #model: ReferenceFfm;
  readonly #size: number;
  readonly #inverseSqrt: (n: number) => number;
  readonly #isRepeated: (feature: number) => boolean;
  /** for each repeated feature: the sum of its gradients, and the number of its pairs, both by partner field */
  readonly #sums = new Map<number, { sums: Float64Array; pairs: Float64Array; step: ReferenceStep }>();

  constructor(model: ReferenceFfm, isRepeated: (feature: number) => boolean, inverseSqrt = exactInverseSqrt) {
    this.#model = model;
    this.#size = fieldsPerBlock(model.numFields);
    this.#isRepeated = isRepeated;
    this.#inverseSqrt = inverseSqrt;
  }

  /** Returns the sum of squares that a row adds to each of AdaGrad's accumulators, by the accumulator's index. */
  squaresOf(row: ReferenceRow): Map<number, number> {
    const { dim, v } = this.#model;
    const squares = new Map<number, number>();
    const add = (i: number, partner: number, xx: number, at: number) => {
      const k = this.#accumulatorOf(i, this.#model.fieldOf[partner]!);
      let square = 0;
      for (let d = at; d < at + dim; d++) square += (xx * v[d]!) ** 2;
      squares.set(k, (squares.get(k) ?? 0) + square);
    };
    forEachPair(this.#model, row, (p, q, xx, i, j) => {
      add(i, j, xx, q);
      add(j, i, xx, p);
    });
    return squares;
  }

  /**
   * Adds a row's sums of squares, times the squared derivative of the loss by the score, to the accumulators of the
   * features that are not repeated.
   */
  grow(g: number, squares: ReadonlyMap<number, number>): void {
    const numBlocks = this.#model.squares.length / this.#model.fieldOf.length;
    for (const [k, square] of squares)
      if (!this.#isRepeated(Math.floor(k / numBlocks))) this.#add(k, g * g * square);
  }

  /**
   * Updates the vector of a feature for one partner field, given its gradient in a pair; the vector starts at index p
   * of v.
   */
  take(feature: number, field: number, p: number, gradient: readonly number[], step: ReferenceStep): void {
    const { dim, numFields, v } = this.#model;
    if (!this.#isRepeated(feature)) {
      const rate = step.learningRate * this.#inverseSqrt(this.#n(feature, field));
      for (let d = 0; d < dim; d++) v[p + d]! -= rate * (gradient[d]! + step.l2 * v[p + d]!);
      return;
    }
    let own = this.#sums.get(feature);
    if (!own) {
      own = { sums: new Float64Array(numFields * dim), pairs: new Float64Array(numFields), step };
      this.#sums.set(feature, own);
    }
    for (let d = 0; d < dim; d++) own.sums[field * dim + d]! += gradient[d]!;
    own.pairs[field]!++;
  }

  /** Takes one step for each repeated feature, on the sum of its gradients. */
  finish(): void {
    const { dim, numFields, v } = this.#model;
    for (const [feature, { sums, pairs, step }] of this.#sums) {
      sums.forEach((x, k) => this.#add(this.#accumulatorOf(feature, Math.floor(k / dim)), x * x));
      sums.forEach((x, k) => {
        const field = Math.floor(k / dim);
        const at = feature * numFields * dim + k;
        const rate = step.learningRate * this.#inverseSqrt(this.#n(feature, field));
        v[at]! -= rate * (x + pairs[field]! * step.l2 * v[at]!);
      });
    }
  }

  #accumulatorOf(feature: number, field: number): number {
    const { squares, fieldOf } = this.#model;
    return feature * (squares.length / fieldOf.length) + Math.floor(field / this.#size);
  }

  #n(feature: number, field: number): number {
    return this.#model.squares[this.#accumulatorOf(feature, field)]!;
  }

  #add(k: number, square: number): void {
    const { dim, numFields, squares, fieldOf } = this.#model;
    const block = k % (squares.length / fieldOf.length);
    const fields = Math.min(this.#size, numFields - block * this.#size);
    squares[k]! += square / (fields * dim);
  }
}

/**
 * Trains the model on one batch, in place.
 *
 * @returns sum of the rows' losses before the step, times their weights
 */
export function referenceFfmBatch(
  model: ReferenceFfm,
  rows: ReferenceRow[],
  options: ReferenceOptions,
): number {
  const { loss, learningRate, vectorRate = learningRate, inverseSqrt, method } = options;
  const stepOf = (feature: number, of: "l2Weight" | "l2Vector", by: ReferenceMethod): ReferenceStep => {
    const rates = options.rates?.(feature) ?? { ...options, factor: 1 };
    const common = { method: by, l1: options.l1Weight, inverseSqrt };
    const rate = of === "l2Vector" ? vectorRate : learningRate;
    return { ...common, learningRate: rate * rates.factor, l2: rates[of] };
  };
  // caches the step of each feature, because a row's hundreds of pairs of features need it repeatedly
  const stepsOf = (of: "l2Weight" | "l2Vector", by: ReferenceMethod) => {
    const steps = new Map<number, ReferenceStep>();
    return (feature: number): ReferenceStep => {
      const step = steps.get(feature) ?? stepOf(feature, of, by);
      steps.set(feature, step);
      return step;
    };
  };

  // scores and squares are computed before any row changes a parameter
  const isRepeated = options.isRepeated ?? (() => false);
  const blocks =
    vectorMethod(method) === "adagrad" ? new BlockSteps(model, isRepeated, inverseSqrt) : undefined;
  const squares = rows.map((row) => blocks?.squaresOf(row));
  const scores = rows.map((row) => referenceFfmScore(model, row));
  const gradients = referenceScoreGradients(rows, scores, loss);
  referenceBiasStep(model, gradients, learningRate);

  const repeats = referenceRepeats(rows, isRepeated, loss);
  const weights = new ReferenceBatchSteps(model.weights, repeats);
  const vectors = new ReferenceBatchSteps(model.vectors, repeats);
  const weightStep = stepsOf("l2Weight", method);
  const vectorStep = stepsOf("l2Vector", vectorMethod(method));
  rows.forEach((row, r) => {
    const g = gradients[r]!;
    row.ids.forEach((id, i) => {
      weights.take(id, id, row.values[i]! * g, weightStep(id));
    });
    blocks?.grow(g, squares[r]!);
    // the gradients of both vectors of a pair are computed before either vector changes
    forEachPair(model, row, (p, q, xx, i, j) => {
      const gradientI: number[] = [];
      const gradientJ: number[] = [];
      for (let d = 0; d < model.dim; d++) {
        gradientI.push(referencePairGradient(g, xx, model.v[q + d]!));
        gradientJ.push(referencePairGradient(g, xx, model.v[p + d]!));
      }
      if (blocks) {
        blocks.take(i, model.fieldOf[j]!, p, gradientI, vectorStep(i));
        blocks.take(j, model.fieldOf[i]!, q, gradientJ, vectorStep(j));
      } else {
        gradientI.forEach((x, d) => vectors.take(i, p + d, x, vectorStep(i)));
        gradientJ.forEach((x, d) => vectors.take(j, q + d, x, vectorStep(j)));
      }
    });
  });
  weights.finish();
  vectors.finish();
  blocks?.finish();
  return referenceLoss(rows, scores, loss);
}
