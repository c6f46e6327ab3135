// Trains two towers on feature rows, and returns the model in the form that a run stores.

import { factorScorer } from "../../factors/trained.js";
import { idsOf } from "../../dataset/vocabulary/vocabulary.js";
import type { EpochEvent } from "../../training/epochs/epoch-loop.js";
import { featureTable } from "../../training/examples/feature-table.js";
import type { NamedArrays } from "../../training/epochs/named-arrays.js";
import type { LearnerInput, Trained } from "../../training/session/feature-training.js";
import type { TowerExamples } from "./examples.js";
import { modelFiles, towerTables } from "./model.js";
import { TWO_TOWER_MODEL } from "./names.js";
import type { TwoTowerOptions } from "./options.js";
import { forEachRow } from "./rows.js";
import type { TowersStart } from "./warm-start.js";
import { trainTowers, type TowerVectors } from "./train.js";

/** Trains the towers. @throws the errors of trainTowers */
export async function learnTowers(
  { space, roles, counts, ranking, start, controls }: LearnerInput<TowersStart>,
  options: TwoTowerOptions,
  observe: (event: EpochEvent) => void,
  signal?: AbortSignal,
): Promise<Trained> {
  const examples = ranking?.examples as TowerExamples | undefined;
  if (!examples?.towers) throw new RangeError("two towers are learned from histories");
  const { dim } = options;
  const { source, towers } = examples;
  const f = space.fields.findIndex(({ name }) => name === roles.user);
  const field = space.fields[f];
  const userIds = field?.kind === "key" ? idsOf(field, source.users) : undefined;

  /**
   * Collects vectors by feature: those of users, of items, and of the features of other fields that the towers read.
   */
  const byFeature = ({ users, items, biases }: TowerVectors, parameters?: NamedArrays) => {
    const [w, vectors] = [new Float32Array(space.numFeatures), new Float32Array(space.numFeatures * dim)];
    userIds?.forEach((id, user) => {
      if (id > 0) vectors.set(users.subarray(user * dim, (user + 1) * dim), (space.offsets[f]! + id) * dim);
    });
    towers.rows.itemFeatures.forEach((feature, item) => {
      vectors.set(items.subarray(item * dim, (item + 1) * dim), feature * dim);
      if (biases) w[feature] = biases[item]!;
    });
    const had = start?.scored;
    if (had)
      for (let feature = 0; feature < space.numFeatures; feature++) {
        if (!start.known[feature] || counts[feature]! > 0) continue;
        vectors.set(had.vectors.subarray(feature * dim, (feature + 1) * dim), feature * dim);
        w[feature] = had.w[feature]!;
      }
    const own = parameters?.["vectors"] as Float32Array | undefined;
    if (own)
      for (const fields of [towers.rows.context, towers.rows.side])
        forEachRow(space, fields, (row, feature) =>
          vectors.set(own.subarray(row * dim, (row + 1) * dim), feature * dim),
        );
    return { dim, w0: 0, w, vectors };
  };
  const validate = ranking?.validate;
  const result = await trainTowers(
    {
      ...{ space, counts, examples },
      ...(validate && { validate: (vectors) => validate(factorScorer(byFeature(vectors))) }),
      start,
      controls,
    },
    options,
    observe,
    signal,
  );
  const found = byFeature(result, result.parameters);
  const { epochs, bestEpoch, interrupted } = result;
  return {
    ...factorScorer(byFeature(result)),
    name: TWO_TOWER_MODEL,
    loss: "logistic",
    ...{ epochs, bestEpoch, interrupted },
    table: () => featureTable(space, found),
    moreTables: () => towerTables(space, towers, options, result.parameters, start),
    files: () => modelFiles(space, towers, options, { ...result.parameters }, found),
  };
}
