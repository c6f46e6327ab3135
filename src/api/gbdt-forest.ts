// Rows of a log → trees: columns binned, trees grown, and what is needed to score further rows.

import { binnedColumn, fitTreeFeatures, type Feature } from "../trainers/gbdt/features.js";
import type { Forest } from "../trainers/gbdt/forest.js";
import type { GbdtOptions } from "../trainers/gbdt/options.js";
import { columnRecipes, vocabulariesOf, type ColumnRecipe } from "../trainers/gbdt/preprocess.js";
import type { Vocabularies } from "../trainers/gbdt/scorer.js";
import { trainGbdt as boost, type GbdtRows, type TreeEvent } from "../trainers/gbdt/train.js";
import type { LabelledPart, Prediction } from "./gbdt-target.js";
import type { Watch } from "./progress.js";

/** Trees between two reports. */
const REPORTED = 10;

/** Trees with what scores and describes them. */
export interface GrownForest {
  forest: Forest;
  features: Feature[];
  columns: ColumnRecipe[];
  vocabularies: Vocabularies;
  events: TreeEvent[];
  /** iterations that the trees are of */
  numIterations: number;
}

/** What is told on the way. */
export interface GrowTelling {
  watch: Watch;
  warn: (text: string) => void;
  lap: (stage: string) => void;
}

/** Grows trees on a part's rows; a validation part decides how many are kept. */
export async function growForest(
  { task: objective, classes }: Prediction,
  train: LabelledPart,
  valid: LabelledPart | undefined,
  gbdt: GbdtOptions,
  { watch, warn, lap }: GrowTelling,
): Promise<GrownForest> {
  const features = fitTreeFeatures(train.dataset, train.rows, gbdt);
  for (const feature of features) warnOf(feature, train.rows.length, warn);
  const rowsOf = (part: LabelledPart): GbdtRows => ({
    columns: features.map((feature) => binnedColumn(part.dataset, feature)),
    ...part,
  });
  lap("bin");

  const { numTrees } = gbdt;
  const report = (event: TreeEvent): void => {
    if (event.epoch % REPORTED === 0 || event.epoch === numTrees)
      watch.observe({ stage: "epoch", epochs: numTrees, ...event });
  };
  const kind = { objective, ...(classes && { numClasses: classes.length }) };
  const input = { ...kind, features, train: rowsOf(train), ...(valid && { valid: rowsOf(valid) }) };
  const { trees, events, numIterations } = await boost(input, gbdt, report, watch.signal);
  lap("train");

  const columns = columnRecipes(features);
  return {
    forest: {
      ...kind,
      columns: columns.map(({ name, kind }) => ({ name, kind, missing: "nan" })),
      trees,
    },
    features,
    columns,
    vocabularies: vocabulariesOf(columns),
    events,
    numIterations,
  };
}

function warnOf(feature: Feature, numRows: number, warn: (text: string) => void): void {
  const { name } = feature;
  if (feature.kind === "number") {
    if (feature.edges.length === 0 && feature.min === feature.max)
      warn(`column '${name}' has one number or none in the training part and tells nothing apart`);
    return;
  }
  const { keys } = feature.field;
  if (keys.size < 2)
    warn(`column '${name}' has one category or none in the training part and tells nothing apart`);
  // an id of its own in nine rows of ten
  else if (keys.size > 0.9 * numRows)
    warn(`column '${name}' has another category in nearly every row, as an id has: --ignore leaves it out`);
}
