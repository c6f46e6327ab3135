// Ranking as `train-fm` knows it: what is trained is a factorization machine, written and read back as any other.

import { featureHashes } from "../../dataset/vocabulary.js";
import { UsageError } from "../../errors.js";
import { trainedFactors } from "../../factors/trained.js";
import type { FmOptions } from "../fm/options.js";
import type { EpochEvent } from "../../training/epoch.js";
import type { LearnerInput, Trained } from "../../training/trained.js";
import type { RankingParameters } from "./machine.js";
import { trainRanking } from "./train.js";

/** @throws as trainRanking */
export async function learnRanking(
  { space, counts, ranking, start, controls }: LearnerInput,
  options: FmOptions,
  observe: (event: EpochEvent) => void,
  signal?: AbortSignal,
): Promise<Trained> {
  if (!ranking)
    throw new UsageError("--task ranking needs a log of positive events, with a user and an item");
  const { dim } = options;
  const model = (parameters: RankingParameters, found = { bestEpoch: 0, epochs: [] as EpochEvent[] }) =>
    trainedFactors("fm", { dim, w0: 0, loss: "logistic", ...parameters, ...found });
  const { look } = ranking;
  const result = await trainRanking(
    {
      numFeatures: space.numFeatures,
      featureHashes: featureHashes(space),
      counts,
      examples: ranking.examples,
      ...(look && { look: (parameters) => look(model(parameters)) }),
      ...(start && { start }),
      ...(controls && { controls }),
    },
    ranking.options,
    options,
    observe,
    signal,
  );
  return model(result, result);
}
