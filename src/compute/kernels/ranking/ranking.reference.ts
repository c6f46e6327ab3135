// Learning to rank in plain f64: the definition of the correct result for assembly/main.ts.
//
//   row      the features of a context or of an item, with their values x
//   p, q     sums of x v over a context, over an item
//   score    sum of x w over the item + <p, q> + products of the item's own features, (q^2 - sum of (x v)^2) / 2
//   cosine   <p, q> / (|p| |q|) instead
//
// As in the kernel: for pairs, scores and dLoss/dscore are computed at the batch's start, while parameters are updated
// event by event; AdaGrad has one accumulator per slice of 8 dimensions, to which the mean of their squared gradients
// is added.

import { gradient as lossGradient, rowLoss } from "../../../base/numeric/losses.js";
import { draw } from "../../../base/numeric/random.js";
import { referenceSampledSoftmax } from "../shared/sampled-softmax.reference.js";
import type { RankingGraph } from "./binding.js";

export interface ReferenceBag {
  ids: number[];
  values: number[];
}

/** An event; the first of its items is its own, the others are those with which it is compared. */
export interface ReferenceEvent {
  context: ReferenceBag;
  items: ReferenceBag[];
  weight: number;
  /** rank of the negative among the candidates (bpr); absent: 1 */
  rank?: number;
}

export class ReferenceRanking {
  /** f64[n][dim] */
  readonly vectors: Float64Array;
  /** f64[n] */
  readonly w: Float64Array;
  /** f64[n][ceil(dim / 8)] and f64[n] */
  readonly squares: Float64Array;
  readonly wSquares: Float64Array;
  /** Adam's moments of each vector and weight, and the number of steps of each slice and weight */
  readonly moments: Record<"m" | "s" | "t" | "wM" | "wS" | "wT", Float64Array>;
  readonly #slices: number;

  constructor(
    readonly dim: number,
    vectors: ArrayLike<number>,
    firstSquares: number,
  ) {
    this.#slices = Math.ceil(dim / 8);
    const n = vectors.length / dim;
    this.vectors = Float64Array.from(vectors);
    this.w = new Float64Array(n);
    this.squares = new Float64Array(n * this.#slices).fill(firstSquares);
    this.wSquares = new Float64Array(n).fill(firstSquares);
    const zeros = (length: number) => new Float64Array(length);
    this.moments = {
      ...{ m: zeros(n * dim), s: zeros(n * dim), t: zeros(n * this.#slices) },
      ...{ wM: zeros(n), wS: zeros(n), wT: zeros(n) },
    };
  }

  /** Returns the weighted sum of the vectors of a row's features. @param vectors propagated or original vectors */
  compose({ ids, values }: ReferenceBag, vectors: Float64Array = this.vectors): Float64Array {
    const sum = new Float64Array(this.dim);
    ids.forEach((id, i) => {
      for (let d = 0; d < this.dim; d++) sum[d]! += values[i]! * vectors[id * this.dim + d]!;
    });
    return sum;
  }

  /** Returns the weighted sum of the weights, plus the inner products of all pairs of the row's features. */
  own({ ids, values }: ReferenceBag): number {
    let sum = 0;
    ids.forEach((id, i) => {
      sum += values[i]! * this.w[id]!;
      for (let j = 0; j < i; j++) {
        for (let d = 0; d < this.dim; d++) {
          sum +=
            values[i]! *
            this.vectors[id * this.dim + d]! *
            values[j]! *
            this.vectors[ids[j]! * this.dim + d]!;
        }
      }
    });
    return sum;
  }

  score(
    context: ReferenceBag,
    item: ReferenceBag,
    cosine: boolean,
    vectors: Float64Array = this.vectors,
  ): number {
    const [p, q] = [this.compose(context, vectors), this.compose(item, vectors)];
    return cosine ? dot(p, q) / length(p) / length(q) : this.own(item) + dot(p, q);
  }

  /**
   * Takes one step of the vectors of a row's features.
   * @param outer dLoss/d(sum of x v)
   * @param inner dLoss/dscore if the score contains the inner products of the row's features; otherwise 0
   */
  step(
    row: ReferenceBag,
    outer: Float64Array,
    inner: number,
    sum: Float64Array,
    options: ReferenceRankingOptions,
  ): void {
    const l2 = options.l2Vector;
    row.ids.forEach((id, i) => {
      const x = row.values[i]!;
      for (let j = 0; j < this.#slices; j++) {
        const dims = Array.from({ length: Math.min(8, this.dim - 8 * j) }, (_, k) => 8 * j + k);
        const gradient = dims.map((d) => {
          const v = this.vectors[id * this.dim + d]!;
          return x * (outer[d]! + inner * (sum[d]! - x * v)) + l2 * v;
        });
        this.stepSlice(id, j, gradient, options);
      }
    });
  }

  /** Takes one step of a slice of 8 dimensions of a feature's vector; the last slice may have fewer dimensions. */
  stepSlice(
    id: number,
    slice: number,
    gradient: readonly number[],
    { method, learningRate }: ReferenceRankingOptions,
  ): void {
    const { m, s, t } = this.moments;
    const at = id * this.#slices + slice;
    const first = id * this.dim + 8 * slice;
    if (method === "adam") {
      t[at]!++;
      gradient.forEach((g, k) => {
        this.vectors[first + k]! -= learningRate * adamStep(m, s, first + k, g, t[at]!);
      });
      return;
    }
    let rate = learningRate;
    if (method === "adagrad") {
      this.squares[at]! += gradient.reduce((all, g) => all + g * g, 0) / 8;
      rate /= Math.sqrt(this.squares[at]!);
    }
    gradient.forEach((g, k) => (this.vectors[first + k]! -= rate * g));
  }

  stepWeight(id: number, gradient: number, { method, learningRate }: ReferenceRankingOptions): void {
    const { wM, wS, wT } = this.moments;
    if (method === "adam") {
      this.w[id]! -= learningRate * adamStep(wM, wS, id, gradient, ++wT[id]!);
      return;
    }
    if (method === "sgd") {
      this.w[id]! -= learningRate * gradient;
      return;
    }
    this.wSquares[id]! += gradient * gradient;
    this.w[id]! -= (learningRate * gradient) / Math.sqrt(this.wSquares[id]!);
  }

  /** Takes one step of the weights of a row's features. @param g dLoss/dscore */
  stepWeights({ ids, values }: ReferenceBag, g: number, options: ReferenceRankingOptions): void {
    ids.forEach((id, i) => {
      this.stepWeight(id, values[i]! * g + options.l2Weight * this.w[id]!, options);
    });
  }
}

/** Trains on a batch of events by losses over pairs. @returns the sum of the losses */
export function referencePairs(
  model: ReferenceRanking,
  events: readonly ReferenceEvent[],
  options: ReferenceRankingOptions,
): number {
  const chosen = events.map(({ context, items, weight, rank }) => {
    const found = pairLoss(
      items.map((item) => model.score(context, item, false)),
      options,
      rank,
    );
    return { ...found, loss: found.loss * weight, gradient: found.gradient * weight };
  });
  events.forEach(({ context, items }, r) => {
    const { negative, gradient: g } = chosen[r]!;
    if (g === 0) return;
    const [own, other] = [items[0]!, items[negative]!];
    const [p, qi, qn] = [context, own, other].map((row) => model.compose(row)) as [
      Float64Array,
      Float64Array,
      Float64Array,
    ];
    const none = new Float64Array(model.dim);
    model.step(
      context,
      qi.map((q, d) => g * (q - qn[d]!)),
      0,
      none,
      options,
    );
    model.step(
      own,
      p.map((v) => g * v),
      g,
      qi,
      options,
    );
    model.step(
      other,
      p.map((v) => -g * v),
      -g,
      qn,
      options,
    );
    model.stepWeights(own, g, options);
    model.stepWeights(other, -g, options);
  });
  return chosen.reduce((sum, { loss }) => sum + loss, 0);
}

/** Computes a step of Adam: Kingma and Ba 2015, algorithm 1. @returns the step for a learning rate of 1 */
function adamStep(m: Float64Array, s: Float64Array, at: number, g: number, t: number): number {
  m[at] = 0.9 * m[at]! + 0.1 * g;
  s[at] = 0.999 * s[at]! + 0.001 * g * g;
  return m[at] / (1 - 0.9 ** t) / (Math.sqrt(s[at] / (1 - 0.999 ** t)) + 1e-8);
}

/**
 * Trains on a batch of events that share their negatives: takes one step of every feature, on the sum of its gradients.
 *
 * @param layers f64[n][n]: matrix by which vectors are multiplied before they are scored (denseLayers)
 * @returns sum of the losses
 */
export function referenceContrast(
  model: ReferenceRanking,
  events: readonly ReferenceEvent[],
  {
    logNoise,
    excluded,
  }: { logNoise: readonly (readonly number[])[]; excluded: readonly (readonly boolean[])[] },
  options: ReferenceRankingOptions,
  layers?: readonly Float64Array[],
): number {
  const { l2Vector, l2Weight, cosine } = options;
  const { dim } = model;
  const vectors = behindLayers(layers, model.vectors, dim);
  const side = (row: ReferenceBag) => {
    const sum = model.compose(row, vectors);
    const scale = cosine ? 1 / length(sum) : 1;
    return { row, scale, unit: sum.map((v) => v * scale), gradient: new Float64Array(dim), inner: 0 };
  };
  const contexts = events.map(({ context }) => side(context));
  const positives = events.map(({ items }) => side(items[0]!));
  const negatives = events[0]!.items.slice(1).map(side);
  let sum = 0;
  events.forEach(({ context, items, weight }, b) => {
    const scores = items.map((item) => model.score(context, item, cosine, vectors));
    const { loss, gradients } = contrastLoss(scores, logNoise[b]!, excluded[b]!, options);
    sum += loss * weight;
    [positives[b]!, ...negatives].forEach((item, k) => {
      const g = gradients[k]! * weight;
      item.inner += cosine ? 0 : g;
      addScaled(contexts[b]!.gradient, g, item.unit);
      addScaled(item.gradient, g, contexts[b]!.unit);
    });
  });

  // gradients of each feature; number of events with each feature, since the penalty counts once per such event
  const total = new Float64Array(vectors.length);
  const weights = new Map<number, number>();
  const occurrences = new Map<number, number>();
  const add = ({ row, unit, gradient, scale, inner }: ReturnType<typeof side>, isItem: boolean) => {
    const along = cosine ? dot(gradient, unit) : 0;
    row.ids.forEach((id, i) => {
      const x = row.values[i]!;
      for (let d = 0; d < dim; d++) {
        const own = inner * (unit[d]! - x * vectors[id * dim + d]!);
        total[id * dim + d]! += x * ((gradient[d]! - along * unit[d]!) * scale + (isItem ? own : 0));
      }
      if (isItem) weights.set(id, (weights.get(id) ?? 0) + x * inner);
    });
  };
  const count = ({ row }: ReturnType<typeof side>, by: number) =>
    row.ids.forEach((id) => occurrences.set(id, (occurrences.get(id) ?? 0) + by));
  for (const context of contexts) add(context, false);
  for (const item of [...positives, ...negatives]) add(item, true);
  for (const one of [...contexts, ...positives]) count(one, 1);
  for (const item of negatives) count(item, 0);

  const reached = behindLayers(layers, total, dim);
  for (let id = 0; id < model.w.length; id++) {
    if (!layers && !occurrences.has(id)) continue;
    const l2 = l2Vector * (occurrences.get(id) ?? 0);
    for (let slice = 0; 8 * slice < dim; slice++) {
      const dims = Array.from({ length: Math.min(8, dim - 8 * slice) }, (_, k) => id * dim + 8 * slice + k);
      const gradient = dims.map((at) => reached[at]! + l2 * model.vectors[at]!);
      if (layers && gradient.every((g) => g === 0)) continue;
      model.stepSlice(id, slice, gradient, options);
    }
    if (cosine || !occurrences.has(id)) continue;
    model.stepWeight(id, (weights.get(id) ?? 0) + l2Weight * occurrences.get(id)! * model.w[id]!, options);
  }
  return sum;
}

/** Samples an item, the same as the kernel. @param alias u32[I][2]; absent for the uniform distribution */
export function referenceDraw(
  numItems: number,
  alias: Uint32Array | undefined,
  key: number,
  counter: number,
): number {
  const x = BigInt(draw(key, counter)) * BigInt(numItems);
  const item = Number(x >> 32n);
  if (!alias) return item;
  return Number(x & 0xffffffffn) <= alias[2 * item]! ? item : alias[2 * item + 1]!;
}

/** Samples the rank of an event's negative in a range, the same as the kernel. */
export function referenceRank(
  [from, to]: readonly [number, number],
  epochKey: number,
  event: number,
): number {
  const x = BigInt(draw(draw(epochKey, event), 0xffffffff)) * BigInt(to - from + 1);
  return from + Number(x >> 32n);
}

function addScaled(target: Float64Array, factor: number, vector: Float64Array): void {
  for (let d = 0; d < vector.length; d++) target[d]! += factor * vector[d]!;
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let d = 0; d < a.length; d++) sum += a[d]! * b[d]!;
  return sum;
}

function length(a: Float64Array): number {
  return Math.sqrt(Math.max(1e-12, dot(a, a)));
}

/**
 * Returns the matrix by which K layers propagate vectors: (I + A~ + ... + A~^K) / (K + 1), f64[n][n], for the
 * normalized graph A~. Source: He et al. 2020 (LightGCN, arXiv:2002.02126), eq. 7 and 8.
 */
export function denseLayers({ layers, ends, neighbors }: Omit<RankingGraph, "through">): Float64Array[] {
  const n = ends.length - 1;
  const degree = (f: number) => ends[f + 1]! - ends[f]!;
  const adjacency = Array.from({ length: n }, (_, f) => {
    const row = new Float64Array(n);
    for (const other of neighbors.subarray(ends[f], ends[f + 1]))
      row[other] = 1 / Math.sqrt(degree(f) * degree(other));
    return row;
  });
  let power: Float64Array[] = adjacency.map((_, f) =>
    Float64Array.from({ length: n }, (_, g) => (f === g ? 1 : 0)),
  );
  const sum = power.map((row) => row.slice());
  for (let k = 1; k <= layers; k++) {
    power = power.map((row) => propagated(adjacency, row));
    sum.forEach((row, f) => row.forEach((_, g) => (row[g]! += power[f]![g]!)));
  }
  return sum.map((row) => row.map((x) => x / (layers + 1)));
}

function propagated(matrix: readonly Float64Array[], row: Float64Array): Float64Array {
  const product = new Float64Array(row.length);
  row.forEach((x, f) => {
    if (x === 0) return;
    const other = matrix[f]!;
    for (let g = 0; g < other.length; g++) product[g]! += x * other[g]!;
  });
  return product;
}

/** Returns the product of the matrix and vectors, f64[n * dim]; without a matrix, a copy of the vectors. */
export function behindLayers(
  matrix: readonly Float64Array[] | undefined,
  vectors: Float64Array,
  dim: number,
): Float64Array {
  if (!matrix) return vectors.slice();
  const product = new Float64Array(vectors.length);
  matrix.forEach((row, f) =>
    row.forEach((x, g) => {
      if (x === 0) return;
      for (let d = 0; d < dim; d++) product[f * dim + d]! += x * vectors[g * dim + d]!;
    }),
  );
  return product;
}

export interface ReferenceRankingOptions {
  loss: "bpr" | "warp" | "sampled-softmax" | "ccl";
  cosine: boolean;
  method: "adagrad" | "adam" | "sgd";
  learningRate: number;
  l2Weight: number;
  l2Vector: number;
  margin: number;
  negativeWeight: number;
  temperature: number;
  /** weight of an event whose first candidate that violates the margin is the k-th (warp) */
  rankWeights: ArrayLike<number>;
}

/**
 * Returns the negative that an event's scores choose, the loss, and dLoss/dx of x = s_0 - s_negative.
 *
 * BPR: Rendle et al. 2009 (arXiv:1205.2618), the hardest of several candidates as Zhang et al. 2013
 * (doi:10.1145/2484028.2484126), or the one of a rank as Ying et al. 2018 (arXiv:1806.01973), section 3.3. WARP: Weston
 * et al. 2011, eq. 6.
 *
 * @param rank rank of the negative among the candidates by score, 1 the highest; of equal scores, the earlier comes
 *   first (bpr)
 * @returns negative: 0 if no candidate violates the margin (warp)
 */
export function pairLoss(
  scores: readonly number[],
  { loss, margin, rankWeights }: ReferenceRankingOptions,
  rank = 1,
): { negative: number; loss: number; gradient: number } {
  if (loss === "bpr") {
    const candidates = scores.map((_, k) => k).slice(1);
    const negative = candidates.sort((a, b) => scores[b]! - scores[a]! || a - b)[rank - 1]!;
    const x = scores[0]! - scores[negative]!;
    return { negative, loss: rowLoss("logistic", x, 1), gradient: lossGradient(x, 1, false).g };
  }
  const negative = scores.findIndex((s, k) => k > 0 && !(s <= scores[0]! - margin));
  if (negative < 0) return { negative: 0, loss: 0, gradient: 0 };
  const weight = rankWeights[negative]!;
  return { negative, loss: weight * (margin - scores[0]! + scores[negative]!), gradient: -weight };
}

/**
 * Returns the loss of an event's scores against shared negatives, and dLoss/dscore of each.
 *
 * Sampled softmax: Bengio and Senecal 2008 (doi:10.1109/TNN.2007.912312). CCL: Mao et al. 2021 (arXiv:2109.12317), eq.
 * 1.
 *
 * @param scores   scores of the event's own item, then of the negatives
 * @param logNoise log probability of each of these items as a negative
 * @param excluded whether each negative is left out
 */
export function contrastLoss(
  scores: readonly number[],
  logNoise: readonly number[],
  excluded: readonly boolean[],
  { loss, cosine, margin, negativeWeight, temperature }: ReferenceRankingOptions,
): { loss: number; gradients: number[] } {
  if (loss === "ccl") {
    const share = negativeWeight / (scores.length - 1);
    const counts = scores.map((s, k) => k > 0 && !excluded[k] && s > margin);
    return {
      loss: 1 - scores[0]! + scores.reduce((sum, s, k) => sum + (counts[k] ? share * (s - margin) : 0), 0),
      gradients: scores.map((_, k) => (k === 0 ? -1 : counts[k] ? share : 0)),
    };
  }
  const how = { temperature, rho: negativeWeight, bilateral: cosine };
  return referenceSampledSoftmax(scores, logNoise, excluded, how);
}
