// The loss of single pairs, for what is held out: the same noise each time, so that epochs compare.

import { mapTo } from "../numeric/indices.js";
import { drawAlias } from "../numeric/alias.js";
import { log, softplus } from "../numeric/exp.js";

/** Vectors to evaluate: f32[numRows * dim] each. */
export interface ScoredVectors {
  dim: number;
  vectors: Float32Array;
  contexts: Float32Array;
}

export interface PairLoss {
  /** <h_u, z_v> */
  score(u: number, v: number): number;
  /** -log σ(h_u z_v) - Σ log σ(-h_u z_n), in nats; each call draws the next noise */
  loss(u: number, v: number): number;
}

/** @param noise of numeric/alias, by row @param key names the draws, which begin anew */
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
 * The control of pairs: rows that score a context by how often it occurs, whatever the center. The score log P(v) / (K q(v)) has the
 * least loss of all that ignore the center.
 *
 * Source: Levy and Goldberg 2014, "Neural word embedding as implicit matrix factorization", eq. 7 without the center.
 *
 * @param totals f64[n]: how often each occurs in training @param noise f64[n], sum 1: q
 */
export function popularityRows(totals: Float64Array, noise: Float64Array, negatives: number): ScoredVectors {
  const all = totals.reduce((sum, total) => sum + total, 0);
  const contexts = mapTo(Float32Array, totals, (total, v) =>
    total > 0 ? log(total / all / (negatives * noise[v]!)) : 0,
  );
  return { dim: 1, vectors: new Float32Array(totals.length).fill(1), contexts };
}
