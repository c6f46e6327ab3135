// Implicit feedback on a space's events: a factorization machine of two fields whose w0 and w are 0.

import { interactionsOf, type FieldFeatures } from "../../dataset/interactions.js";
import { featureHashes, type FeatureSpace } from "../../dataset/vocabulary.js";
import { UsageError } from "../../errors.js";
import { trainedFactors } from "../../factors/trained.js";
import type { EpochEvent } from "../../training/epoch.js";
import { listMetric } from "../../training/options/lists.js";
import type { Start } from "../../training/start.js";
import type { LearnerInput, Trained } from "../../training/trained.js";
import { defaultUnobservedWeight, type AlsOptions } from "./options.js";
import { trainImplicit, type EarlierSide, type ImplicitModel, type ImplicitVectors } from "./train.js";

/**
 * Factorizes the events of users and items; every row of the training part is an event.
 *
 * @throws {UsageError} there is no user or no item field
 * @throws as trainImplicit
 */
export async function learnImplicit(
  { space, roles, train, ranking, start, controls }: LearnerInput<Start>,
  options: AlsOptions,
  observe: (event: EpochEvent) => void,
  signal?: AbortSignal,
): Promise<Trained> {
  if (train.kind !== "resident") throw new RangeError("events of least squares are not drawn");
  const { dim } = options;
  const [user, item] = [featuresOf(space, roles.user), featuresOf(space, roles.item)];
  const { users, items } = interactionsOf(train.rows, user, item);
  const size = {
    confidence: users.values?.reduce((sum, c) => sum + c, 0) ?? users.indices.length,
    numUsers: user.count - 1,
    numItems: item.count - 1,
  };
  const chosen = { unobservedWeight: options.unobservedWeight ?? defaultUnobservedWeight(size) };
  const modelOf = (
    vectors: ImplicitVectors,
    { bestEpoch, epochs: lines, interrupted }: Partial<ImplicitModel> = {},
  ) => {
    const found = { bestEpoch: bestEpoch ?? 0, epochs: lines ?? [], ...(interrupted && { interrupted }) };
    const parameters = { dim, w0: 0, w: new Float32Array(space.numFeatures) };
    return trainedFactors("fm", {
      ...parameters,
      loss: "squared",
      ...found,
      vectors: featureVectors(vectors),
    });
  };
  const featureVectors = (vectors: ImplicitVectors): Float32Array => {
    const all = new Float32Array(space.numFeatures * dim);
    all.set(vectors.users, user.first * dim);
    all.set(vectors.items, item.first * dim);
    return all;
  };

  const validate = ranking?.validate;
  const stoppingMetric = ranking && listMetric(ranking.options);
  const model = await trainImplicit(
    {
      users,
      items,
      itemHashes: featureHashes(space).subarray(2 * item.first, 2 * (item.first + item.count)),
      ...(validate && {
        validate: async (vectors) => {
          const metrics = await validate(modelOf(vectors));
          return { value: metrics[stoppingMetric!] ?? 0, metrics };
        },
      }),
      ...(start && {
        start: { users: sideOf(start, user), items: sideOf(start, item), freezes: start.freezes },
      }),
      ...(controls && { controls }),
    },
    { ...options, ...chosen },
    observe,
    signal,
  );
  return { ...modelOf(model, model), chosen };
}

/** A side's rows of an earlier model. */
function sideOf({ known, vectors }: Start, { first, count }: FieldFeatures): EarlierSide {
  const dim = vectors.length / known.length;
  return {
    known: known.subarray(first, first + count),
    vectors: vectors.subarray(first * dim, (first + count) * dim),
  };
}

function featuresOf({ fields, offsets }: FeatureSpace, name: string | undefined): FieldFeatures {
  const f = fields.findIndex((field) => field.name === name);
  if (f < 0) {
    throw new UsageError("train-als needs a user and an item column: name them with --user and --item");
  }
  return { first: offsets[f]!, count: offsets[f + 1]! - offsets[f]! };
}
