// The loss of single pairs, for what is held out: the same noise each time, so that epochs compare.

import { drawAlias } from "../numeric/alias.js";
import { softplus } from "../numeric/elementary.js";

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
