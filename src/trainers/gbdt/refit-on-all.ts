// --refit of trees without --init: once the validation part has chosen how many, they are grown once more on all rows.

import type { Manifest } from "../../embedding/manifest.js";
import type { Parts } from "../../training/examples.js";
import { judgeForest } from "./judge.js";
import { fitModel, type FittedModel, type ModelJob } from "./fit.js";
import { silently } from "../../training/parts.js";
import { wholeParts } from "../../training/refit.js";
import type { TrainGbdtOptions } from "./asked.js";

export interface Refitted {
  /** what the run holds */
  model: FittedModel;
  /** for the manifest */
  refit?: Manifest["refit"];
  /** a signal ended the training before its time */
  interrupted: boolean;
}

/**
 * The model, or the one that is trained once more where that is asked for; the first one where a signal cuts that short.
 *
 * @throws {UsageError} --refit without held-out rows of this log
 */
export async function refitOnAll(
  first: FittedModel,
  parts: Parts,
  { init, refit }: TrainGbdtOptions,
  job: ModelJob,
): Promise<Refitted> {
  const { interrupted, numIterations } = first.grown;
  if (!refit || init !== undefined || interrupted) return { model: first, interrupted };
  const whole = wholeParts(parts);
  const rows = whole.train.rows.length;
  const numTrees = Math.max(1, numIterations);
  job.note(`refit: ${numTrees} ${numTrees === 1 ? "tree" : "trees"} on all ${rows} rows`);
  const model = await fitModel(whole, {
    ...job,
    gbdt: { ...job.gbdt, numTrees, patience: 0 },
    // the first training has told them
    ...{ watch: silently(job.watch), warn: () => undefined, note: () => undefined },
    lap: (stage) => job.lap(`refit ${stage}`),
  });
  if (model.grown.interrupted) return { model: first, interrupted: true };
  const metrics = await judgeForest(model, job.prediction, {}, job.gbdt.threads, () => undefined);
  return { model, refit: { epochs: model.grown.numIterations, rows, metrics }, interrupted: false };
}
