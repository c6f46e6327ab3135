// Implicit feedback as `train-fm` knows it: a factorization machine of two fields whose w0 and w are 0.

import { interactionsOf, type FieldFeatures } from "../../dataset/interactions.js";
import { featureHashes, type FeatureSpace } from "../../dataset/vocabulary.js";
import { UsageError } from "../../errors.js";
import { trainedFm } from "../fm/learn.js";
import type { FmOptions } from "../fm/options.js";
import type { EpochEvent, LearnerInput, Trained } from "../trained.js";
import { defaultUnobservedWeight, implicitDefaults } from "./options.js";
import { trainImplicit } from "./train.js";

/**
 * Factorizes the events of users and items; every row of the training part is an event.
 *
 * @throws {UsageError} there is no user or no item field
 * @throws as trainImplicit
 */
export async function learnImplicit(
  { space, roles, train }: LearnerInput,
  { dim, epochs, seed, threads, l2Vector, ...options }: FmOptions,
  observe: (event: EpochEvent) => void,
  signal?: AbortSignal,
): Promise<Trained> {
  if (train.kind !== "resident")
    throw new UsageError("--task implicit draws no negatives: leave out --negatives");
  const [user, item] = [featuresOf(space, roles.user), featuresOf(space, roles.item)];
  const { users, items } = interactionsOf(train.rows, user, item);
  const confidence = users.values?.reduce((sum, c) => sum + c, 0) ?? users.indices.length;
  const {
    unobservedWeight = defaultUnobservedWeight(confidence, user.count - 1, item.count - 1),
    l2Exponent = implicitDefaults.l2Exponent,
  } = options;
  const itemHashes = featureHashes(space).subarray(2 * item.first, 2 * (item.first + item.count));
  const lines: EpochEvent[] = [];
  const model = await trainImplicit(
    { users, items, itemHashes },
    { dim, epochs, seed, threads, l2Vector, unobservedWeight, l2Exponent },
    (epoch) => {
      const line = { ...epoch, best: true };
      lines.push(line);
      observe(line);
    },
    signal,
  );
  const vectors = new Float32Array(space.numFeatures * dim);
  vectors.set(model.users, user.first * dim);
  vectors.set(model.items, item.first * dim);
  const parameters = { dim, w0: 0, w: new Float32Array(space.numFeatures), vectors };
  return {
    ...trainedFm({ ...parameters, loss: "squared", epochs: lines, bestEpoch: epochs }),
    chosen: { unobservedWeight, l2Exponent },
  };
}

function featuresOf({ fields, offsets }: FeatureSpace, name: string | undefined): FieldFeatures {
  const f = fields.findIndex((field) => field.name === name);
  if (f < 0)
    throw new UsageError("--task implicit needs a user and an item column: name them with --user and --item");
  return { first: offsets[f]!, count: offsets[f + 1]! - offsets[f]! };
}
