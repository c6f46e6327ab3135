// Several features of a factorization machine as one: a vector and a bias that stand for all of them in a score.
//
//   vector = sum_f x_f v_f
//   bias   = sum_f x_f w_f + sum_{f<g} <v_f, v_g> x_f x_g = sum_f x_f w_f + 0.5 (|sum_f x_f v_f|^2 - sum_f |x_f v_f|^2)
//
// A row whose features fall into two groups, the user's and the item's, scores
//
//   w0 + bias_u + bias_i + <vector_u, vector_i>
//
// which is Rendle 2010, eq. 1, with its products sorted into those within each group and those across.

import { firstPair, type FeatureRows } from "../../dataset/rows.js";
import type { FmParameters } from "./model.js";

/** f32[numRows * dim]: the vector, sum of x v over each row's features, in their order. */
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

/** f32[numRows]: the bias of each row's features. Source: Rendle 2010, lemma 3.1 for the products. */
export function composeWeights({ dim, w, vectors }: FmParameters, rows: FeatureRows): Float32Array {
  const sum = new Float64Array(dim);
  return Float32Array.from({ length: rows.numRows }, (_, r) => {
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

/** Visits the features of a row with their values. */
export function forEachPair(
  rows: FeatureRows,
  row: number,
  visit: (feature: number, x: number) => void,
): void {
  const { ids, values } = rows;
  const end = firstPair(rows, row + 1);
  for (let pair = firstPair(rows, row); pair < end; pair++) visit(ids[pair]!, values ? values[pair]! : 1);
}
