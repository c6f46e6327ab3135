// Converts factor models to the form that trainers return, and creates their scorers.

import type { FeatureSpace } from "../../../dataset/vocabulary/vocabulary.js";
import type { Run } from "../../../table/run-directory.js";
import type { EmbeddingTable } from "../../../table/table.js";
import { featureTable } from "../../../training/examples/feature-table.js";
import type { Scorer, Trained } from "../../../training/session/feature-training.js";
import { fmModelFiles, optimizerFile, readFmParameters } from "./artifact.js";
import { scoreRows, startScoring, type FmModel, type FmParameters } from "./model.js";
import { composeVectors, composeWeights } from "./compose.js";

/**
 * Returns a scorer of rows that also ranks items, by vectors and weights whose scores rank them for each context as the
 * model does.
 *
 *   score = <p, q_i> + b_i + a constant of the context
 *   p, q  sums of x v over the features of the context (p) and of the item (q_i)
 *   b_i   sum of x w over the item's features + the products of the item's features with one another
 */
export function factorScorer(parameters: FmParameters): Required<Scorer> {
  return {
    score: (rows, options) => scoreRows(parameters, rows, options),
    start: (options) => startScoring(parameters, options),
    rank: (contexts, items) => ({
      dim: parameters.dim,
      queries: composeVectors(parameters, contexts),
      items: composeVectors(parameters, items),
      weights: composeWeights(parameters, items),
    }),
  };
}

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
