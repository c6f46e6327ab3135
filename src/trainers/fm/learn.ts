// The factorization machine as `train-fm` knows it: trained on a space's rows, written to a run, read back to score.

import { featureHashes, type FeatureSpace } from "../../dataset/vocabulary.js";
import type { Run } from "../../embedding/run-directory.js";
import type { EmbeddingTable } from "../../embedding/table.js";
import { featureTable } from "../feature-table.js";
import type { EpochEvent, LearnerInput, Scorer, Trained } from "../trained.js";
import { fmModelFiles, readFmParameters } from "./artifact.js";
import { scoreRows, type FmModel } from "./model.js";
import type { FmOptions } from "./options.js";
import { trainFm } from "./train.js";

/** @throws as trainFm */
export async function learnFm(
  { space, ...input }: LearnerInput,
  options: FmOptions,
  observe: (event: EpochEvent) => void,
  signal?: AbortSignal,
): Promise<Trained> {
  const { numFeatures } = space;
  const model = await trainFm(
    { numFeatures, featureHashes: featureHashes(space), ...input },
    options,
    observe,
    signal,
  );
  return trainedFm(model);
}

/** Any model that scores as a factorization machine does. */
export function trainedFm(model: FmModel): Trained {
  const { loss, epochs, bestEpoch } = model;
  return {
    name: "fm",
    loss,
    epochs,
    bestEpoch,
    table: (space) => featureTable(space, model),
    files: (space) => fmModelFiles(space, model),
    score: (rows, options) => scoreRows(model, rows, options),
  };
}

/** The scorer of a run. */
export async function readFm(run: Run, space: FeatureSpace, table: EmbeddingTable): Promise<Scorer> {
  const parameters = await readFmParameters(run, space, table);
  return { score: (rows, options) => scoreRows(parameters, rows, options) };
}
