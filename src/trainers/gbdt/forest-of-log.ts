// Grows trees on rows of a log: bins the columns, trains, and returns the columns and vocabularies with which other
// rows are scored.

import { mapTo } from "../../base/numeric/indices.js";
import type { Controls, EpochEvent, EpochsDone } from "../../training/epochs/epoch-loop.js";
import { numClassesOf, type Forest } from "./forest/forest.js";
import { renumbered, withInitKeys, checkSameColumns, type ForestInit } from "./warm-start.js";
import { binnedColumn, fitTreeFeatures, type Feature } from "./features.js";
import type { GbdtOptions } from "./options.js";
import { columnRecipes, vocabulariesOf, type ColumnRecipe } from "./preprocess.js";
import { refitLeaves } from "./boosting/refit-leaves.js";
import { leavesOf, type Vocabularies } from "./forest/scorer.js";
import { modelScores } from "./leaf-heads/head.js";
import { type GbdtInput, type GbdtRows, trainGbdt, type GbdtModel } from "./boosting/train.js";
import type { Part } from "../../training/examples/examples.js";
import type { LabelledPart, Prediction } from "./target.js";
import type { Watch } from "../../training/session/watch.js";
import { count, either, flag, list, number, object, record } from "../../base/io/json-shape.js";
import { jsonBytes, jsonOf } from "../../training/epochs/named-arrays.js";
import { treeShape } from "./forest/tree.js";

export interface GrownForest extends EpochsDone {
  forest: Forest;
  features: Feature[];
  columns: ColumnRecipe[];
  vocabularies: Vocabularies;
  /** number of iterations that the training added to the forest */
  bestEpoch: number;
  /** mean loss of the training rows after the best iteration; undefined if no tree was added */
  trainLoss?: number;
}

export interface GrowJob {
  prediction: Prediction;
  gbdt: GbdtOptions;
  /** its trees are the first of the forest */
  init: ForestInit | undefined;
  watch: Watch;
  warn: (text: string) => void;
  lap: (stage: string) => void;
}

/** Adds the categories of the run that --init names. */
export async function fitColumns({ dataset, rows }: Part, { gbdt, init, warn }: GrowJob): Promise<Feature[]> {
  const features = await fitTreeFeatures(dataset, rows, gbdt);
  for (const feature of features) warnOf(feature, rows.length, warn);
  if (!init) return features;
  checkSameColumns(init, features);
  return withInitKeys(features, init.preprocess.columns);
}

function startingForest({ prediction, init }: GrowJob, features: readonly Feature[]): GrownForest {
  const { task: objective, classes } = prediction;
  const columns = columnRecipes(features);
  const forest: Forest = {
    objective,
    numClasses: classes?.length,
    columns: columns.map(({ name, kind }) => ({ name, kind, missing: "nan" })),
    trees: init ? renumbered(init.forest.trees, features, init.preprocess.columns) : [],
  };
  const vocabularies = vocabulariesOf(columns);
  return {
    ...{ forest, features: [...features], columns, vocabularies },
    ...{ epochs: [], bestEpoch: 0, interrupted: false },
  };
}

/** Adds trees to those of --init; the validation loss determines how many are kept. */
export async function growForest(
  features: readonly Feature[],
  train: LabelledPart,
  valid: LabelledPart | undefined,
  job: GrowJob,
  growNext: GrowNext,
): Promise<GrownForest> {
  const { gbdt, watch } = job;
  const start = startingForest(job, features);
  const binnedRows = async (part: LabelledPart): Promise<GbdtRows> => ({
    columns: features.map((feature) => binnedColumn(part.dataset, feature)),
    ...part,
    ...(job.init && { scores: await byClass(start, part, gbdt.threads) }),
  });
  const input: GbdtInput = {
    ...start.forest,
    features: start.features,
    train: await binnedRows(train),
    valid: valid && (await binnedRows(valid)),
  };
  job.lap("bin");

  const { numTrees } = gbdt;
  const { trees, ...done } = await growNext(input, gbdt, (event) =>
    watch.observe({ stage: "epoch", round: "tree", epochs: numTrees, ...event }),
  );
  job.lap("train");
  const last = done.epochs[done.bestEpoch - 1];
  return {
    ...start,
    ...done,
    forest: { ...start.forest, trees: [...start.forest.trees, ...trees] },
    trainLoss: last?.trainLoss,
  };
}

/** f32[numClasses][rows] */
async function byClass(
  { forest, vocabularies }: GrownForest,
  part: Part,
  threads: number,
): Promise<Float32Array[]> {
  const numClasses = numClassesOf(forest);
  const scores = await modelScores({ forest, vocabularies }, part, threads);
  return Array.from({ length: numClasses }, (_, k) =>
    mapTo(Float32Array, part.rows, (__, i) => scores[i * numClasses + k]!),
  );
}

/** @param decay share of its old value that a leaf keeps */
export async function refitForest(
  features: readonly Feature[],
  part: LabelledPart,
  decay: number,
  job: GrowJob,
): Promise<GrownForest> {
  const { gbdt } = job;
  const start = startingForest(job, features);
  const { forest } = start;
  const leaves = await leavesOf(start, part, gbdt.threads);
  const refitted = refitLeaves(forest, { ...part, leaves }, { ...gbdt, decay });
  job.lap("leaves");
  return { ...start, forest: { ...forest, trees: refitted } };
}

function warnOf(feature: Feature, numRows: number, warn: (text: string) => void): void {
  const { name } = feature;
  if (feature.kind === "number") {
    if (feature.edges.length === 0 && feature.min === feature.max)
      warn(
        `column '${name}' has at most one distinct value in the training split and carries no information`,
      );
    return;
  }
  const { keys } = feature.field;
  if (keys.size < 2)
    warn(`column '${name}' has at most one category in the training split and carries no information`);
  // the column has a different category in more than nine out of ten rows
  else if (keys.size > 0.9 * numRows)
    warn(`column '${name}' has a different category in nearly every row, like an id: --ignore excludes it`);
}

// A training grows one forest, or one per fold of --cross-fit, one after another. RUN.checkpoint contains the arrays of
// the current forest (train.ts), and
//
//   done     u8, JSON: the completed forests; absent while the first is trained

const doneShape = list(
  object({
    trees: list(treeShape),
    bestEpoch: count,
    epochs: list(record(either(number, flag))),
    interrupted: flag,
  }),
);

export type GrowNext = (
  input: GbdtInput,
  options: GbdtOptions,
  observe: (event: EpochEvent) => void,
) => Promise<GbdtModel>;

/** Completed forests are taken from the checkpoint, the interrupted one is resumed, later ones start from scratch. */
export function forestsInTurn({ onInterrupt, checkpoint, resume }: Controls, signal: AbortSignal): GrowNext {
  const found =
    resume && "done" in resume.arrays ? (jsonOf(resume.arrays, "done", doneShape) as GbdtModel[]) : [];
  const done: GbdtModel[] = [];

  const controlsOfNext = (): Controls => ({
    onInterrupt,
    resume: done.length === found.length ? resume : undefined,
    checkpoint: checkpoint && {
      every: checkpoint.every,
      save: async ({ arrays, ...standing }) => {
        const before = done.length > 0 && { done: jsonBytes(done) };
        await checkpoint.save({ ...standing, arrays: { ...arrays, ...before } });
      },
    },
  });
  return async (input, options, observe) => {
    const model = found[done.length] ?? (await trainGbdt(input, options, observe, signal, controlsOfNext()));
    done.push(model);
    return model;
  };
}
