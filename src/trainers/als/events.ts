// The events of a space as both kinds of training take them, on this machine and on a server, and the model that vectors make.

import { interactionsOf, type FieldFeatures } from "../../dataset/sequences/interactions.js";
import type { FeatureSpace } from "../../dataset/vocabulary/vocabulary.js";
import { UsageError } from "../../errors.js";
import { trainedFactors } from "../../factors/trained.js";
import type { SparseRows } from "../../kernels/als/binding.js";
import type { LearnerInput, Trained } from "../../training/session/feature-training.js";
import { defaultUnobservedWeight, type AlsOptions } from "./options.js";
import type { ImplicitModel, ImplicitVectors } from "./train.js";

/** Events of users and items. */
export interface AlsEvents {
  user: FieldFeatures;
  item: FieldFeatures;
  /** the same events by user and by item: values are confidences, 1 when absent */
  users: SparseRows;
  items: SparseRows;
  /** sum of all confidences */
  confidence: number;
  /** options that the data decided */
  chosen: { unobservedWeight: number };
  /** A factorization machine of two fields whose w0 and w are 0. */
  modelOf: (vectors: ImplicitVectors, found?: Partial<ImplicitModel>) => Trained;
}

/**
 * The events of the training rows; every row is one.
 *
 * @throws {UsageError} there is no user or no item field
 */
export function eventsOf(
  { space, roles, train }: Pick<LearnerInput, "space" | "roles" | "train">,
  { dim, unobservedWeight }: AlsOptions,
): AlsEvents {
  if (train.kind !== "resident") throw new RangeError("events of least squares are not drawn");
  const [user, item] = [featuresOf(space, roles.user), featuresOf(space, roles.item)];
  const { users, items } = interactionsOf(train.rows, user, item);
  const confidence = users.values?.reduce((sum, c) => sum + c, 0) ?? users.indices.length;
  const size = { confidence, numUsers: user.count - 1, numItems: item.count - 1 };
  return {
    ...{ user, item, users, items, confidence },
    chosen: { unobservedWeight: unobservedWeight ?? defaultUnobservedWeight(size) },
    modelOf({ users: ofUsers, items: ofItems }, { bestEpoch = 0, epochs = [], interrupted } = {}) {
      const vectors = new Float32Array(space.numFeatures * dim);
      vectors.set(ofUsers, user.first * dim);
      vectors.set(ofItems, item.first * dim);
      return trainedFactors("fm", {
        ...{ dim, w0: 0, w: new Float32Array(space.numFeatures), loss: "squared", vectors },
        ...{ bestEpoch, epochs, ...(interrupted && { interrupted }) },
      });
    },
  };
}

function featuresOf({ fields, offsets }: FeatureSpace, name: string | undefined): FieldFeatures {
  const f = fields.findIndex((field) => field.name === name);
  if (f < 0) {
    throw new UsageError("train-als needs a user and an item column: name them with --user and --item");
  }
  return { first: offsets[f]!, count: offsets[f + 1]! - offsets[f]! };
}
