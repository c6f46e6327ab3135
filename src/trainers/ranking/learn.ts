// Trains a ranking on feature rows. The model is a factorization machine, written and read like any other.

import { featureHashes } from "../../dataset/vocabulary/vocabulary.js";
import { UsageError } from "../../base/errors.js";
import { trainedFactors } from "../shared/factor-model/trained.js";
import type { EpochEvent } from "../../training/epochs/epoch-loop.js";
import { featureTable } from "../../training/examples/feature-table.js";
import type { LearnerInput, Trained } from "../../training/session/feature-training.js";
import type { FactorStart } from "../shared/factor-model/warm-start.js";
import { isMatrix } from "./data.js";
import type { RankingParameters } from "./machine.js";
import { BASE_TABLE } from "./models.js";
import type { RankingOptions } from "./options.js";
import { trainedFromStore } from "../shared/factor-model/stored-vectors.js";
import { partitionsFor, trainPartitions } from "./train-partitions.js";
import { trainRanking, firstVectors } from "./train.js";

export async function learnRanking(
  { space, roles, counts, ranking, start, controls, memory, note }: LearnerInput<FactorStart>,
  options: RankingOptions,
  observe: (event: EpochEvent) => void,
  signal?: AbortSignal,
): Promise<Trained> {
  if (!ranking) throw new RangeError("ranking is learned from events");
  const { dim } = options;
  const { validate, examples } = ranking;
  if (!isMatrix(examples)) checkFeatures(options, start);
  const model = (parameters: RankingParameters, found = { bestEpoch: 0, epochs: [] as EpochEvent[] }) =>
    trainedFactors("fm", { dim, w0: 0, loss: "logistic", ...parameters, ...found });
  const field = space.fields.findIndex(({ name }) => name === roles.user);
  const users = { first: space.offsets[field]!, count: space.offsets[field + 1]! - space.offsets[field]! };
  const partitions = memory ? partitionsFor(examples, users.count, options) : 1;
  const input = {
    ...{ numFeatures: space.numFeatures, featureHashes: featureHashes(space), counts },
    ...{ examples, start, controls },
  };
  if (memory && partitions > 1) {
    const { most: maxMemory, ...disk } = memory;
    const store = { users, maxMemory, ...disk, validate, note };
    const first = await firstVectors(input, options, signal);
    const result = await trainPartitions({ ...input, ...store }, partitions, first, options, observe, signal);
    return trainedFromStore("fm", result, "logistic");
  }
  const result = await trainRanking(
    { ...input, ...(validate && { validate: (parameters) => validate(model(parameters)) }) },
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

/** Checks options that require users and items as the only features. */
function checkFeatures(
  { layers, similarity, optimizer, start: initial }: RankingOptions,
  start: FactorStart | undefined,
): void {
  const checks: readonly (readonly [isSet: boolean, option: string, instead: string])[] = [
    [layers > 0, "--layers supports", "omit --layers"],
    [similarity === "cosine", "cosine similarity supports", "use --loss sampled-softmax --similarity dot"],
    [initial === "svd" && !start, "--start svd supports", "omit --start"],
    [optimizer === "sgd", "--optimizer sgd supports", "use --optimizer adagrad"],
  ];
  for (const [isSet, option, instead] of checks)
    if (isSet)
      throw new UsageError(
        `${option} only user and item features: select these two with --fields, or ${instead}`,
      );
}
