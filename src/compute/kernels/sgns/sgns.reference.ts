// Two references of skip-gram with negative sampling, in plain f64.
//
//   ReferenceSgns   the algorithm of the kernel, batch by batch: same noise, same sums, same steps (assembly/main.ts)
//   trainPairs      the algorithm of word2vec.c, pair by pair with SGD: tests compare the quality of vectors with it
//
// h  centre's vector     z  context's vector     g  gradient of a pair, minus dLoss/dscore

import { aliasTable, drawAlias } from "../../../base/numeric/alias.js";
import { exp, log } from "../../../base/numeric/exp.js";
import { firstUnit, featureKey } from "../../../base/numeric/initial.js";
import { draw } from "../../../base/numeric/random.js";
import {
  distanceWeight,
  NO_MARKET,
  SGNS_BATCH,
  SGNS_GROUP,
  SGNS_NOISE,
  SGNS_SLICE,
  type SgnsShape,
  type SgnsStream,
} from "./binding.js";

/** Counter of the key of negatives from markets, as in assembly/pairs.ts. */
const PAIR_DRAWS = 0xffffffff;

export type ReferenceShape = Omit<SgnsShape, "threads" | "mostTokens">;

/** One value for centres and one for contexts. */
export interface Sides<T> {
  centres: T;
  contexts: T;
}

/**
 * Returns the initial vectors: centres are uniform in plus or minus 1 / (2 dim); contexts are 0, or equal to the
 * centres if there is one table.
 *
 * @param hashes u32[numRows][2]
 */
export function firstVectors(
  { numRows, dim, oneTable }: ReferenceShape,
  hashes: Uint32Array,
  seed: number,
): Sides<Float64Array> {
  const centres = new Float64Array(numRows * dim);
  for (let row = 0; row < numRows; row++) {
    const key = featureKey(seed, hashes, row);
    for (let d = 0; d < dim; d++) centres[row * dim + d] = (0.5 / dim) * firstUnit(key, d);
  }
  return { centres, contexts: oneTable ? centres : new Float64Array(numRows * dim) };
}

/** Returns the kernel's approximation of tanh(s / 2); the score is clipped at 9.9. */
function tanhOfHalf(s: number): number {
  const x = Math.max(-4.95, Math.min(4.95, s / 2));
  const q = x * x;
  const top = ((q + 378) * q + 17325) * q + 135135;
  const bottom = ((28 * q + 3150) * q + 62370) * q + 135135;
  return (x * top) / bottom;
}

const logistic = (s: number): number => 0.5 + 0.5 * tanhOfHalf(s);

/** Returns the weight of a pair of positions: the product of the roots of their events' weights. */
function pairWeight(weights: Float32Array | undefined, i: number, j: number): number {
  return weights ? weights[i]! * weights[j]! : 1;
}

/** A centre with a context (sign 1) or a noise row (sign -1): the loss is -weight log logistic(sign s). */
export interface Pair {
  centre: number;
  context: number;
  sign: 1 | -1;
  weight: number;
}

/** Trains skip-grams batch by batch, with the same noise, sums and steps as the kernel. */
export class ReferenceSgns {
  readonly #shape: ReferenceShape;
  readonly #alias: Uint32Array;
  readonly vectors: Sides<Float64Array>;
  /** AdaGrad's sums of squared gradients by row and slice, f64[numRows][ceil(dim / 16)] */
  readonly squares: Sides<Float64Array>;

  constructor(shape: ReferenceShape, hashes: Uint32Array, seed: number) {
    this.#shape = shape;
    this.#alias = aliasTable(shape.noise);
    this.vectors = firstVectors(shape, hashes, seed);
    const sums = () => new Float64Array(shape.numRows * Math.ceil(shape.dim / SGNS_SLICE)).fill(1);
    const centres = sums();
    this.squares = { centres, contexts: shape.oneTable ? centres : sums() };
  }

  /**
   * Returns every pair in a batch of a centre with a context or a noise row.
   * @param key random key of the epoch's noise
   */
  pairs(stream: SgnsStream, batch: number, key: number): Pair[] {
    const { tokens, left, right, weights } = stream;
    const { window, negatives } = this.#shape;
    const pairs: Pair[] = [];
    const end = Math.min(tokens.length, (batch + 1) * SGNS_BATCH);
    for (let i = batch * SGNS_BATCH; i < end; i++) {
      const [l, r, centre] = [left[i]!, right[i]!, tokens[i]!];
      if (l + r === 0) continue;
      let mass = 0;
      for (let d = -l; d <= r; d++) {
        const weight = distanceWeight(window, d) * pairWeight(weights, i, i + d);
        if (d !== 0) pairs.push({ centre, context: tokens[i + d]!, sign: 1, weight });
        mass += weight;
      }
      const weight = (negatives * mass) / SGNS_NOISE;
      const group = Math.floor(i / SGNS_GROUP);
      for (let k = 0; k < SGNS_NOISE; k++) {
        const context = drawAlias(this.#alias, key, group * SGNS_NOISE + k);
        pairs.push({ centre, context, sign: -1, weight });
      }
      pairs.push(...this.#besideBand(stream, i, key));
    }
    return pairs;
  }

  /** Returns the pairs of the centre at position i with its list, and with negatives sampled from its market. */
  #besideBand({ tokens, weights, lists: listOf }: SgnsStream, i: number, key: number): Pair[] {
    const { pairs: beside } = this.#shape;
    if (!beside) return [];
    const { lists, markets } = beside;
    const centre = tokens[i]!;
    const counts = (weights?.[i] ?? 1) ** 2;
    const list = listOf![i]!;
    const [first, end] = [lists.ends[list]!, lists.ends[list + 1]!];
    const found: Pair[] = Array.from(lists.rows.subarray(first, end), (context, k) => {
      const weight = lists.weights[first + k]!;
      return { centre, context, sign: weight > 0 ? 1 : -1, weight: counts * Math.abs(weight) };
    });
    const market = markets?.of[centre] ?? NO_MARKET;
    if (markets && market !== NO_MARKET) {
      const [from, size] = [markets.ends[market]!, markets.ends[market + 1]! - markets.ends[market]!];
      const own = draw(draw(key, PAIR_DRAWS), i);
      for (let k = 0; k < markets.drawn; k++) {
        const context = markets.rows[from + Math.floor((draw(own, k) * size) / 2 ** 32)]!;
        found.push({ centre, context, sign: -1, weight: counts });
      }
    }
    return found.filter(({ context, sign }) => sign > 0 || context !== centre);
  }

  /** Returns the sum of the losses of (centre, context) pairs, in nats. */
  loss(pairs: readonly Pair[]): number {
    return pairs.reduce(
      (sum, { centre, context, sign, weight }) =>
        sum - weight * log(logistic(sign * this.#score(centre, context))),
      0,
    );
  }

  /**
   * Returns the negated derivatives of `loss` by the vectors of centres and of contexts; if they share one table, both
   * results are the derivatives by this table.
   */
  gradients(pairs: readonly Pair[]): Sides<Float64Array> {
    const { dim } = this.#shape;
    const { centres: h, contexts: z } = this.vectors;
    const centres = new Float64Array(h.length);
    const sums = { centres, contexts: this.#shape.oneTable ? centres : new Float64Array(z.length) };
    for (const { centre, context, sign, weight } of pairs) {
      const g = sign * weight * logistic(-sign * this.#score(centre, context));
      for (let d = 0; d < dim; d++) {
        sums.centres[centre * dim + d]! += g * z[context * dim + d]!;
        sums.contexts[context * dim + d]! += g * h[centre * dim + d]!;
      }
    }
    return sums;
  }

  /** Trains on every batch of the stream once. @returns the sum of the losses, each computed before its batch's step */
  train(stream: SgnsStream, key: number, { from, to }: { from: number; to: number }): number {
    const n = stream.tokens.length;
    let sum = 0;
    for (let batch = 0; batch * SGNS_BATCH < n; batch++) {
      const pairs = this.pairs(stream, batch, key);
      sum += this.loss(pairs);
      const gradients = this.gradients(pairs);
      const rate = Math.fround(from + ((to - from) * batch * SGNS_BATCH) / n);
      for (const side of this.#shape.oneTable ? (["centres"] as const) : (["centres", "contexts"] as const))
        moveRows(this.vectors[side], this.squares[side], gradients[side], this.#shape.dim, rate);
    }
    return sum;
  }

  #score(centre: number, context: number): number {
    return inner(this.vectors, this.#shape.dim, centre, context);
  }
}

/**
 * Takes AdaGrad steps, with one sum of squares for each slice of 16 dimensions of a row.
 *
 * @param vectors f64[numRows * dim], updated in place
 * @param squares f64[numRows][ceil(dim / 16)], updated in place
 */
export function moveRows(
  vectors: Float64Array,
  squares: Float64Array,
  gradients: Float64Array,
  dim: number,
  rate: number,
): void {
  const J = Math.ceil(dim / SGNS_SLICE);
  for (let row = 0; row * dim < vectors.length; row++) {
    for (let j = 0; j < J; j++) {
      const from = row * dim + j * SGNS_SLICE;
      const end = Math.min(from + SGNS_SLICE, (row + 1) * dim);
      const slice = gradients.subarray(from, end);
      squares[row * J + j]! += slice.reduce((sum, x) => sum + x * x, 0) / slice.length;
      const step = rate / Math.sqrt(squares[row * J + j]!);
      for (let i = from; i < end; i++) vectors[i]! += step * gradients[i]!;
    }
  }
}

function inner(
  { centres, contexts }: Sides<Float64Array>,
  dim: number,
  centre: number,
  context: number,
): number {
  let sum = 0;
  for (let d = 0; d < dim; d++) sum += centres[centre * dim + d]! * contexts[context * dim + d]!;
  return sum;
}

/**
 * Trains on the stream once as word2vec.c does: SGD on pair after pair, with `negatives` noise rows for each, of which
 * those equal to the context are skipped. The learning rate decreases linearly with the position. Instead of drawing
 * windows at random, each pair has the probability of its window as a weight.
 *
 * Source: word2vec.c, TrainModelThread; Mikolov et al. 2013 (arXiv:1310.4546).
 *
 * @param vectors updated in place
 */
export function trainPairs(
  vectors: Sides<Float64Array>,
  { dim, window, negatives, noise }: ReferenceShape,
  { tokens, left, right, weights }: SgnsStream,
  key: number,
  { from, to }: { from: number; to: number },
): void {
  const { centres: h, contexts: z } = vectors;
  const alias = aliasTable(noise);
  const step = new Float64Array(dim);
  let draws = 0;
  for (let i = 0; i < tokens.length; i++) {
    const rate = from + ((to - from) * i) / tokens.length;
    const centre = tokens[i]!;
    for (let d = -left[i]!; d <= right[i]!; d++) {
      if (d === 0) continue;
      const positive = tokens[i + d]!;
      const share = distanceWeight(window, d) * pairWeight(weights, i, i + d);
      step.fill(0);
      for (let k = 0; k <= negatives; k++) {
        const context = k === 0 ? positive : drawAlias(alias, key, draws++);
        if (k > 0 && context === positive) continue;
        const s = inner(vectors, dim, centre, context);
        const error = (k === 0 ? 1 : 0) - 1 / (1 + exp(-s));
        for (let c = 0; c < dim; c++) {
          step[c]! += rate * share * error * z[context * dim + c]!;
          z[context * dim + c]! += rate * share * error * h[centre * dim + c]!;
        }
      }
      // the centre is updated after its context and all noise rows
      for (let c = 0; c < dim; c++) h[centre * dim + c]! += step[c]!;
    }
  }
}
