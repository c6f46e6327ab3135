// Computes the loss of single pairs for validation. The noise is the same in each epoch, so that epochs can be
// compared.

import { mapTo } from "../numeric/indices.js";
import { drawAlias } from "../numeric/alias.js";
import { log, softplus } from "../numeric/exp.js";

/** Center and context vectors to evaluate: f32[numRows * dim] each. */
export interface ScoredVectors {
  dim: number;
  vectors: Float32Array;
  contexts: Float32Array;
}

export interface PairLoss {
  /** Returns the score of a pair, the inner product <h_u, z_v>. */
  score(u: number, v: number): number;
  /** Returns the loss of a pair in nats: -log σ(h_u z_v) - Σ log σ(-h_u z_n). Each call draws new noise rows n. */
  loss(u: number, v: number): number;
}

/**
 * Returns functions that compute the score and the loss of pairs.
 * @param noise alias table (numeric/alias) over the rows
 * @param key key of the random draws, which start from the beginning
 */
export function pairLoss(
  { dim, vectors, contexts }: ScoredVectors,
  { noise, negatives, key }: { noise: Uint32Array; negatives: number; key: number },
): PairLoss {
  let drawn = 0;
  const score = (u: number, v: number): number => {
    let sum = 0;
    for (let k = 0; k < dim; k++) sum += vectors[u * dim + k]! * contexts[v * dim + k]!;
    return sum;
  };
  return {
    score,
    loss(u, v) {
      let loss = softplus(-score(u, v));
      for (let n = 0; n < negatives; n++) loss += softplus(score(u, drawAlias(noise, key, drawn++)));
      return loss;
    },
  };
}

/**
 * Returns vectors that serve as a control: their score of a pair depends only on the frequency of the context. Among
 * scores that ignore the center, log P(v) / (K q(v)) has the least loss.
 *
 * Source: Levy and Goldberg 2014, "Neural word embedding as implicit matrix factorization", eq. 7 without the center.
 *
 * @param totals f64[n]: total weight of each row's events in training
 * @param noise f64[n], sum 1: noise distribution q
 */
export function popularityRows(totals: Float64Array, noise: Float64Array, negatives: number): ScoredVectors {
  const all = totals.reduce((sum, total) => sum + total, 0);
  const contexts = mapTo(Float32Array, totals, (total, v) =>
    total > 0 ? log(total / all / (negatives * noise[v]!)) : 0,
  );
  return { dim: 1, vectors: new Float32Array(totals.length).fill(1), contexts };
}
