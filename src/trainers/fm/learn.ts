import { requireColumn } from "../../dataset/roles.js";
import { featureHashes, fieldOfFeatures, type FeatureSpace } from "../../dataset/vocabulary/vocabulary.js";
import type { FeatureRates } from "../../compute/kernels/fm/binding.js";
import type { RowRange } from "../../table/table.js";
import { featureTable, lateTable } from "../../training/examples/feature-table.js";
import type { FactorStart } from "../shared/factor-model/warm-start.js";
import type { LearnerInput, Trained } from "../../training/session/feature-training.js";
import type { EpochEvent } from "../../training/epochs/epoch-loop.js";
import { trainedFactors } from "../shared/factor-model/trained.js";
import type { FmOptions } from "./options.js";
import { trainFm, type FmInput } from "./train.js";

/** @throws the errors of trainFm */
export async function learnFm(
  input: LearnerInput<FactorStart>,
  options: FmOptions,
  observe: (event: EpochEvent) => void,
  signal?: AbortSignal,
): Promise<Trained> {
  const model = await trainFm(spaceInput(input, options), options, observe, signal);
  const trained = trainedFactors("fm", model);
  if (options.model === "fm") {
    const { dim, vectors } = model;
    // the vectors are copied while they are written, because a second copy of them may not fit into memory
    const late = (features: RowRange) => vectors.subarray(features.first * dim, features.last * dim);
    return { ...trained, table: (of) => lateTable(of, model, late) };
  }
  // a linear model has no vectors: the table stores each weight as a vector of length 1, in the form of other models'
  // tables
  const table = (of: FeatureSpace) => featureTable(of, { dim: 1, w: model.w, vectors: model.w });
  return { ...trained, name: options.model, isWeightsOnly: true, table };
}

/** @throws {UsageError} --l2-field names an unknown field */
export function spaceInput(
  { space, counts, train, valid, start, controls }: LearnerInput<FactorStart>,
  options: FmOptions,
): FmInput {
  const penalties = fieldPenalties(space, options);
  const rates = penalties?.map((own): FeatureRates => ({ ...own, factor: 1 }));
  const fieldOf = rates && fieldOfFeatures(space.offsets);
  return {
    numFeatures: space.numFeatures,
    featureHashes: featureHashes(space),
    ratesOf: rates && ((feature) => rates[fieldOf![feature]!]!),
    ...{ counts, train, valid, start, controls },
  };
}

/** Returns the L2 penalties of each field, if --l2-field sets some. @throws {UsageError} it names an unknown field */
export function fieldPenalties(
  { fields }: FeatureSpace,
  { l2Field, l2Weight, l2Vector }: FmOptions,
): { l2Weight: number; l2Vector: number }[] | undefined {
  const names = fields.map(({ name }) => name);
  for (const name of Object.keys(l2Field)) requireColumn("--l2-field", name, names);
  if (Object.keys(l2Field).length === 0) return undefined;
  return names.map((name) => {
    const own = Object.hasOwn(l2Field, name) ? l2Field[name]! : undefined;
    return { l2Weight: own ?? l2Weight, l2Vector: own ?? l2Vector };
  });
}
