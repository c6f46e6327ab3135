// Learning to rank on a space's events: what is trained is a factorization machine, written and read back as any other.

import { featureHashes } from "../../dataset/vocabulary/vocabulary.js";
import { UsageError } from "../../errors.js";
import { trainedFactors } from "../../factors/trained.js";
import type { EpochEvent } from "../../training/epochs/epoch-loop.js";
import { featureTable } from "../../training/examples/feature-table.js";
import type { LearnerInput, Trained } from "../../training/session/feature-training.js";
import type { Start } from "../../training/warm-start/start.js";
import { isMatrix } from "./data.js";
import type { RankingParameters } from "./machine.js";
import { BASE_TABLE } from "./names.js";
import type { RankingOptions } from "./options.js";
import { trainRanking } from "./train.js";

/** @throws as trainRanking */
export async function learnRanking(
  { space, counts, ranking, start, controls }: LearnerInput<Start>,
  options: RankingOptions,
  observe: (event: EpochEvent) => void,
  signal?: AbortSignal,
): Promise<Trained> {
  if (!ranking) throw new RangeError("ranking is learned from events");
  const { dim, similarity, optimizer } = options;
  const isAlone = isMatrix(ranking.examples);
  if (options.layers > 0 && !isAlone)
    throw new UsageError(
      "--layers supports only user and item features: select these two with --fields, or omit --layers",
    );
  if (similarity === "cosine" && !isAlone)
    throw new UsageError(
      "cosine similarity supports only user and item features: select these two with --fields, or use --loss " +
        "sampled-softmax --similarity dot",
    );
  if (options.start === "svd" && !start && !isAlone)
    throw new UsageError(
      "--start svd supports only user and item features: select these two with --fields, or omit --start",
    );
  if (optimizer === "sgd" && !isAlone)
    throw new UsageError(
      "--optimizer sgd supports only user and item features: select these two with --fields, or use --optimizer " +
        "adagrad",
    );
  const model = (parameters: RankingParameters, found = { bestEpoch: 0, epochs: [] as EpochEvent[] }) =>
    trainedFactors("fm", { dim, w0: 0, loss: "logistic", ...parameters, ...found });
  const { validate } = ranking;
  const result = await trainRanking(
    {
      numFeatures: space.numFeatures,
      featureHashes: featureHashes(space),
      counts,
      examples: ranking.examples,
      ...(validate && { validate: (parameters) => validate(model(parameters)) }),
      start,
      controls,
    },
    options,
    observe,
    signal,
  );
  const { base } = result;
  return {
    ...model(result, result),
    ...(base && { moreTables: (space) => ({ [BASE_TABLE]: featureTable(space, { dim, vectors: base }) }) }),
  };
}
