// A factorization machine as vectors to search among: its score of an item for a context, up to what is the same for all items.
//
//   score = <p, q_i> + b_i + a constant of the context
//   p, q  sums of x v over the features of the context, and of the item
//   b_i   sum of x w over the item's features + the products of the item's own features with one another

import type { FeatureRows } from "../dataset/rows.js";
import type { TopItemsInput } from "../kernels/top-items/binding.js";
import { composeVectors, composeWeights } from "./compose.js";
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
