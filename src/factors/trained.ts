// Converts factor models to the form that trainers return, and creates their scorers.

import type { FeatureSpace } from "../dataset/vocabulary/vocabulary.js";
import type { Run } from "../embedding/run-directory.js";
import type { EmbeddingTable } from "../embedding/table.js";
import { featureTable } from "../training/examples/feature-table.js";
import type { Scorer, Trained } from "../training/session/feature-training.js";
import { fmModelFiles, readFmParameters } from "./artifact.js";
import { scoreRows, startScoring, type FmModel, type FmParameters } from "./model.js";
import { optimizerFile } from "./optimizer-file.js";
import type { FeatureRows } from "../dataset/rows.js";
import type { TopItemsInput } from "../kernels/top-items/binding.js";
import { composeVectors, composeWeights } from "./compose.js";

/** A scorer of rows that also ranks items by inner products. */
export function factorScorer(parameters: FmParameters): Required<Scorer> {
  return {
    score: (rows, options) => scoreRows(parameters, rows, options),
    start: (options) => startScoring(parameters, options),
    rank: (contexts, items) => rankingVectors(parameters, contexts, items),
  };
}

/** Returns the scorer of a run. */
export async function readFactors(
  run: Run,
  space: FeatureSpace,
  table: EmbeddingTable,
): Promise<Required<Scorer>> {
  return factorScorer(await readFmParameters(run, space, table));
}

/** Wraps any model that scores like a factorization machine. @param name name of the model in the manifest */
export function trainedFactors(name: string, model: FmModel): Trained {
  const { dim, vectors, loss, epochs, bestEpoch, interrupted = false, optimizer } = model;
  return {
    ...factorScorer(model),
    name,
    loss,
    epochs,
    bestEpoch,
    interrupted,
    table: (space) => featureTable(space, model),
    files: (space) => ({
      ...fmModelFiles(space, model, (feature) => vectors.subarray(feature * dim, (feature + 1) * dim)),
      ...(optimizer && optimizerFile(optimizer, space.numFeatures)),
    }),
  };
}

/**
 * Returns vectors and weights whose scores rank the items for each context as the model does.
 *
 *   score = <p, q_i> + b_i + a constant of the context
 *   p, q  sums of x v over the features of the context (p) and of the item (q_i)
 *   b_i   sum of x w over the item's features + the products of the item's features with one another
 */
function rankingVectors(
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
