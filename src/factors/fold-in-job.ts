// What folding in is given, whatever the task: the new keys of one side, and their events.

import type { Dataset } from "../dataset/dataset.js";
import type { Run } from "../embedding/run-directory.js";
import { priorPenalties, type FoldInOptions } from "./fold-in.js";
import type { Composer } from "./compose.js";
import type { FmRun } from "./artifact.js";
import type { NewKeys } from "../training/capabilities/new-keys.js";
import type { TransformOptions } from "../training/options/transform-options.js";

/** Their events: for each key the rows of the dataset that hold it. */
export interface NewEvents extends NewKeys {
  dataset: Dataset;
  rows: number[][];
}

/** A run's machine, and how features of it are put together. */
export interface FoldingModel extends FmRun {
  composer: Composer;
}

/** Fits each new key, everything else of the run as it is. @returns f64[1 + dim] a key: its weight, then its vector */
export type Fit = (events: NewEvents) => Promise<Float64Array[]> | Float64Array[];

/** Readies the fitting: what does not depend on the events is done here. */
export type Fitting = (run: Run, model: FoldingModel, options: TransformOptions) => Promise<Fit> | Fit;

/** L2 as given, or as the field's known keys have it. */
export function penaltiesOf(
  run: Run,
  { preprocess, space, parameters, composer: { numBlocks } }: FoldingModel,
  { f }: Pick<NewKeys, "f">,
  given: TransformOptions,
): FoldInOptions {
  const field = space.fields[f]!;
  const loss = preprocess.task === "regression" ? "squared" : "logistic";
  const { valid, train } = run.manifest.metrics as Record<string, { rmse?: number } | undefined>;
  const error = valid?.rmse ?? train?.rmse ?? 1;
  const counts = field.kind === "number" ? new Uint32Array() : field.counts;
  const noise = loss === "squared" ? error * error : 1;
  const prior = priorPenalties(parameters, space.offsets[f]!, counts, noise, numBlocks);
  return { loss, l2Weight: given.l2Weight ?? prior.l2Weight, l2Vector: given.l2Vector ?? prior.l2Vector };
}
