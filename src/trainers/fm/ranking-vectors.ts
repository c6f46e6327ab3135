// A factorization machine as vectors to search among: its score of an item for a context, up to what is the same for all items.
//
//   score = <p, q_i> + b_i + a constant of the context
//   p, q  sums of x v over the features of the context, and of the item
//   b_i   sum of x w over the item's features + the products of the item's own features with one another

import type { FeatureRows } from "../../dataset/rows.js";
import type { TopItemsInput } from "../../kernels/top-items.js";
import type { FmParameters } from "./model.js";

/** Vectors and weights whose scores rank the items for each context as the model does. */
export function rankingVectors(
  model: FmParameters,
  contexts: FeatureRows,
  items: FeatureRows,
): Omit<TopItemsInput, "masks"> {
  return {
    dim: model.dim,
    queries: composeVectors(model, contexts),
    items: composeVectors(model, items),
    weights: composeWeights(model, items),
  };
}

/** f32[numRows * dim]: sum of x v over each row's features, in their order. */
function composeVectors({ dim, vectors }: FmParameters, rows: FeatureRows): Float32Array {
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

/** f32[numRows]: b of each row of item features. */
function composeWeights({ dim, w, vectors }: FmParameters, rows: FeatureRows): Float32Array {
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

function forEachPair(
  { indptr, width, ids, values }: FeatureRows,
  row: number,
  visit: (feature: number, x: number) => void,
): void {
  const end = indptr ? indptr[row + 1]! : (row + 1) * width;
  for (let pair = indptr ? indptr[row]! : row * width; pair < end; pair++)
    visit(ids[pair]!, values ? values[pair]! : 1);
}
