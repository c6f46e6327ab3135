// Factorizes the events of users and items on this machine.

import { type FieldFeatures, interactionsOf } from "../../dataset/sequences/interactions.js";
import { featureHashes, type FeatureSpace } from "../../dataset/vocabulary/vocabulary.js";
import type { EpochEvent } from "../../training/epochs/epoch-loop.js";
import type { FactorStart } from "../shared/factor-model/warm-start.js";
import type { LearnerInput, Trained } from "../../training/session/feature-training.js";
import { type AlsOptions, defaultUnobservedWeight } from "./options.js";
import { trainImplicit, type StartSide } from "./train.js";
import { UsageError } from "../../base/errors.js";
import { trainedFromStore } from "../shared/factor-model/stored-vectors.js";

export async function learnImplicit(
  input: LearnerInput<FactorStart>,
  options: AlsOptions,
  observe: (event: EpochEvent) => void,
  signal?: AbortSignal,
): Promise<Trained> {
  const { space, ranking, start, controls, memory, note } = input;
  const { user, item, users, chosen } = eventsOf(input, options);
  const result = await trainImplicit(
    {
      ...{ users, user, item, numFeatures: space.numFeatures, controls, memory, note },
      validate: ranking?.validate,
      itemHashes: featureHashes(space).subarray(2 * item.first, 2 * (item.first + item.count)),
      ...(start && {
        start: { users: sideOf(start, user), items: sideOf(start, item), freezes: start.freezes },
      }),
    },
    { ...options, ...chosen },
    observe,
    signal,
  );
  return { ...trainedFromStore("fm", result, "squared"), chosen };
}

function sideOf({ known, vectors }: FactorStart, { first, count }: FieldFeatures): StartSide {
  const dim = vectors.length / known.length;
  return {
    known: known.subarray(first, first + count),
    vectors: vectors.subarray(first * dim, (first + count) * dim),
  };
}

/** Returns the events of the training split, whose rows are all events. @throws {UsageError} no user or no item field */
export function eventsOf(
  { space, roles, train }: Pick<LearnerInput, "space" | "roles" | "train">,
  { unobservedWeight }: AlsOptions,
) {
  if (train.kind === "drawn") throw new RangeError("events of least squares are not drawn");
  const [user, item] = [featuresOf(space, roles.user), featuresOf(space, roles.item)];
  const { users } = interactionsOf(train.rows, user, item);
  const confidence = users.values?.reduce((sum, c) => sum + c, 0) ?? users.indices.length;
  const size = { confidence, numUsers: user.count - 1, numItems: item.count - 1 };
  return {
    ...{ user, item },
    /** events grouped by user; values are confidences, which are 1 when absent */
    users,
    /** sum of all confidences */
    confidence,
    chosen: { unobservedWeight: unobservedWeight ?? defaultUnobservedWeight(size) },
  };
}

function featuresOf({ fields, offsets }: FeatureSpace, name: string | undefined): FieldFeatures {
  const f = fields.findIndex((field) => field.name === name);
  if (f < 0) {
    throw new UsageError("train-als needs a user and an item column: name them with --user and --item");
  }
  return { first: offsets[f]!, count: offsets[f + 1]! - offsets[f]! };
}
