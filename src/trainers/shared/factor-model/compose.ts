// Composes several features of a factorization machine into one vector and one bias that give the same score.
//
//   vector = sum_f x_f v_f
//   bias   = sum_f x_f w_f + sum_{f<g} <v_f, v_g> x_f x_g = sum_f x_f w_f + 0.5 (|sum_f x_f v_f|^2 - sum_f |x_f v_f|^2)
//
// A row whose features fall into two groups, the user's and the item's, scores
//
//   w0 + bias_u + bias_i + <vector_u, vector_i>
//
// which is Rendle 2010, eq. 1, with the products within each group separated from the products between the groups.

import { mapTo } from "../../../base/numeric/indices.js";
import type { RowComposer } from "../../../training/capabilities/run-space.js";
import { forEachPair, type FeatureRows } from "../../../dataset/rows.js";
import type { FmParameters } from "./model.js";
import type { FoldInEvents } from "./fold-in.js";

export interface Composer extends RowComposer {
  /**
   * Returns the regression problem whose solution is the weight and the vector of the feature `own`, given rows that
   * contain the feature.
   */
  events(rows: FeatureRows, own: number): Pick<FoldInEvents, "dim" | "phi" | "offsets">;
  /** Returns a composer of the same kind that uses other parameters. */
  over(parameters: FmParameters): Composer;
}

/** Returns f32[numRows * dim]: the vector of each row, which is the sum of x v over its features in their order. */
export function composeVectors({ dim, vectors }: FmParameters, rows: FeatureRows): Float32Array {
  const sums = new Float32Array(rows.numRows * dim);
  const sum = new Float64Array(dim);
  for (let r = 0; r < rows.numRows; r++) {
    sum.fill(0);
    forEachPair(rows, r, (feature, x) => {
      for (let d = 0; d < dim; d++) sum[d]! += x * vectors[feature * dim + d]!;
    });
    sums.set(sum, r * dim);
  }
  return sums;
}

/** Returns f32[numRows]: the bias of each row's features. Source: Rendle 2010, lemma 3.1 for the products. */
export function composeWeights({ dim, w, vectors }: FmParameters, rows: FeatureRows): Float32Array {
  const sum = new Float64Array(dim);
  return mapTo(Float32Array, { length: rows.numRows }, (_, r) => {
    let [linear, squares] = [0, 0];
    sum.fill(0);
    forEachPair(rows, r, (feature, x) => {
      linear += x * w[feature]!;
      for (let d = 0; d < dim; d++) {
        const xv = x * vectors[feature * dim + d]!;
        sum[d]! += xv;
        squares += xv * xv;
      }
    });
    return linear + (sum.reduce((all, s) => all + s * s, 0) - squares) / 2;
  });
}

/** Creates the composer of a factorization machine. */
export function fmComposer(parameters: FmParameters): Composer {
  return {
    dim: parameters.dim,
    numBlocks: 1,
    over: fmComposer,
    vectors: (rows) => composeVectors(parameters, rows),
    weights: (rows) => composeWeights(parameters, rows),
    events: (rows, own) => featureEvents(parameters, rows, own),
  };
}

/** Returns the regression problem by which the feature `own` is folded in: all other parameters are fixed. */
function featureEvents(
  { dim, w0, w, vectors }: FmParameters,
  rows: FeatureRows,
  own: number,
): ReturnType<Composer["events"]> {
  const size = 1 + dim;
  const phi = new Float64Array(rows.numRows * size);
  const offsets = new Float64Array(rows.numRows);
  const sum = new Float64Array(dim);
  for (let row = 0; row < rows.numRows; row++) {
    let [linear, squares, value] = [0, 0, 0];
    sum.fill(0);
    forEachPair(rows, row, (feature, x) => {
      if (feature === own) {
        value = x;
        return;
      }
      linear += x * w[feature]!;
      for (let d = 0; d < dim; d++) {
        const xv = x * vectors[feature * dim + d]!;
        sum[d]! += xv;
        squares += xv * xv;
      }
    });
    offsets[row] = w0 + linear + (sum.reduce((all, s) => all + s * s, 0) - squares) / 2;
    phi[row * size] = value;
    for (let d = 0; d < dim; d++) phi[row * size + 1 + d] = value * sum[d]!;
  }
  return { dim, phi, offsets };
}
