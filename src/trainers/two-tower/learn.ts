// Trains two towers on feature rows, and returns the model in the form that a run stores.

import { storedScorer, storedTable } from "../../factors/stored-vectors.js";
import type { EpochEvent } from "../../training/epochs/epoch-loop.js";
import type { LearnerInput, Trained } from "../../training/session/feature-training.js";
import { encodeAll, machineRanker } from "./encode-users.js";
import type { TowerExamples } from "./examples.js";
import { modelFiles, towerTables } from "./model.js";
import { TWO_TOWER_MODEL } from "./names.js";
import type { TwoTowerOptions } from "./options.js";
import type { TowersStart } from "./warm-start.js";
import { shapeOf, trainTowers } from "./train.js";

/** Trains the towers. @throws the errors of trainTowers */
export async function learnTowers(
  { space, counts, ranking, start, controls, memory }: LearnerInput<TowersStart>,
  options: TwoTowerOptions,
  observe: (event: EpochEvent) => void,
  signal?: AbortSignal,
): Promise<Trained> {
  const examples = ranking?.examples as TowerExamples | undefined;
  if (!examples?.towers || !memory) throw new RangeError("two towers are learned from histories");
  const { towers } = examples;
  const { beside } = memory;
  const validate = ranking?.validate;
  const rankerOf = validate && machineRanker(towers, options.dim);
  const { parameters, ...result } = await trainTowers(
    {
      ...{ space, counts, examples, start, controls, beside },
      ...(rankerOf && { validate: (machine) => validate(rankerOf(machine)) }),
    },
    options,
    observe,
    signal,
  );
  const input = { space, counts, towers, start, beside };
  const model = await encodeAll(parameters, input, shapeOf(examples, options), options, signal);
  return {
    ...storedScorer(model),
    ...{ name: TWO_TOWER_MODEL, loss: "logistic", ...result },
    table: () => storedTable(space, model),
    moreTables: () => towerTables(space, towers, options, parameters, start),
    files: () => modelFiles(space, towers, options, parameters, model.vectorOf),
  };
}
