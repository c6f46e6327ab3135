// The factorization machine trained on a space's rows.

import { requireColumn } from "../../dataset/roles.js";
import { featureHashes, fieldOfFeatures, type FeatureSpace } from "../../dataset/vocabulary/vocabulary.js";
import type { FeatureRates } from "../../kernels/fm/binding.js";
import { featureTable } from "../../training/examples/feature-table.js";
import type { FactorStart } from "../../factors/warm-start.js";
import type { LearnerInput, Trained } from "../../training/session/feature-training.js";
import type { EpochEvent } from "../../training/epochs/epoch-loop.js";
import { trainedFactors } from "../../factors/trained.js";
import type { FmOptions } from "./options.js";
import { trainFm, type PassesElsewhere } from "./train.js";

/** @param elsewhere trains on the rows in place of this machine @throws as trainFm */
export async function learnFm(
  { space, counts, train, valid, start, controls }: LearnerInput<FactorStart>,
  options: FmOptions,
  observe: (event: EpochEvent) => void,
  signal?: AbortSignal,
  elsewhere?: PassesElsewhere,
): Promise<Trained> {
  const { numFeatures } = space;
  const ratesOf = fieldRates(space, options);
  const model = await trainFm(
    {
      numFeatures,
      featureHashes: featureHashes(space),
      ratesOf,
      ...{ counts, train },
      valid,
      start,
      controls,
      elsewhere,
    },
    options,
    observe,
    signal,
  );
  const trained = trainedFactors("fm", model);
  if (options.model === "fm") return trained;
  // a vector of one number, the weight, so that a linear model's table is read as any other
  const table = (of: FeatureSpace) => featureTable(of, { dim: 1, w: model.w, vectors: model.w });
  return { ...trained, name: options.model, isWeightsOnly: true, table };
}

/** The L2 of each feature, when some fields have their own. @throws {UsageError} there is no such field */
export function fieldRates(
  { fields, offsets }: FeatureSpace,
  { l2Field, l2Weight, l2Vector }: FmOptions,
): ((feature: number) => FeatureRates) | undefined {
  const names = fields.map(({ name }) => name);
  for (const name of Object.keys(l2Field)) requireColumn("--l2-field", name, names);
  if (Object.keys(l2Field).length === 0) return undefined;
  const fieldOf = fieldOfFeatures(offsets);
  const rates = names.map((name) =>
    Object.hasOwn(l2Field, name)
      ? { l2Weight: l2Field[name]!, l2Vector: l2Field[name]!, factor: 1 }
      : { l2Weight, l2Vector, factor: 1 },
  );
  return (feature) => rates[fieldOf[feature]!]!;
}
