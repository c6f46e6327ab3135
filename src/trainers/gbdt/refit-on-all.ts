// The training of a command, and --refit without --init: once the validation part has chosen how many trees, they are grown once
// more on all rows.

import type { Manifest } from "../../embedding/manifest.js";
import type { Checkpoints, Judged } from "../../training/checkpoint.js";
import type { Parts } from "../../training/examples.js";
import { silently } from "../../training/parts.js";
import { wholeParts } from "../../training/refit.js";
import type { TrainGbdtOptions } from "./asked.js";
import { fitModel, type FittedModel, type ModelJob } from "./fit.js";
import { judgeForest } from "./judge.js";
import { forestOutcomeWarnings } from "./outcome.js";

/** A training, and the model that the run holds. */
export interface FittedTwice {
  /** what was judged */
  first: Judged;
  /** what the run holds: the refitted model, or the first */
  model: FittedModel;
  /** for the manifest */
  refit?: Manifest["refit"];
  /** a signal ended the training before its time */
  interrupted: boolean;
}

/**
 * Trains, and trains once more on all rows where that is asked for; the first model stays where a signal cuts that short.
 *
 * @throws {UsageError} --refit without held-out rows of this log
 */
export async function fitAndRefit(
  parts: Parts,
  { init, refit }: TrainGbdtOptions,
  job: ModelJob,
  checkpoints: Checkpoints,
): Promise<FittedTwice> {
  const whole = refit && init === undefined ? wholeParts(parts) : undefined;
  const onInterrupt = job.watch.finishInstead;
  const offer = onInterrupt && { onInterrupt };
  const before = whole && checkpoints.first;
  const fitted = before ? undefined : await fitModel(parts, job, { ...offer, ...checkpoints.controls() });
  const first = before ?? (await judged(fitted!, parts, job));
  const interrupted = fitted?.grown.interrupted ?? false;
  if (fitted && (!whole || interrupted)) return { first, model: fitted, interrupted };

  const rows = whole!.train.rows.length;
  const numTrees = Math.max(1, first.bestEpoch);
  job.note(`refit: ${numTrees} ${numTrees === 1 ? "tree" : "trees"} on all ${rows} rows`);
  const again: ModelJob = {
    ...job,
    gbdt: { ...job.gbdt, numTrees, patience: 0 },
    // the first training has told them
    ...{ watch: silently(job.watch), warn: () => undefined, note: () => undefined },
    lap: (stage) => job.lap(`refit ${stage}`),
  };
  // a refit that is cut short is of no use, but the first model is
  const model = await fitModel(whole!, again, { ...(fitted && offer), ...checkpoints.controls(first) });
  if (fitted && model.grown.interrupted) return { first, model: fitted, interrupted: true };
  const metrics = await judgeForest(model, job.prediction, {}, job.gbdt.threads, () => undefined);
  return { first, model, refit: { epochs: model.grown.bestEpoch, rows, metrics }, interrupted: false };
}

/** What the held-out parts say of a model. */
async function judged(model: FittedModel, { valid, test }: Parts, job: ModelJob): Promise<Judged> {
  const { prediction, gbdt, note, warn, lap } = job;
  const metrics = await judgeForest(model, prediction, { valid, test }, gbdt.threads, note);
  for (const text of forestOutcomeWarnings(model, metrics, valid, gbdt)) warn(text);
  lap("evaluate");
  const { epochs, bestEpoch } = model.grown;
  return { options: { ...gbdt }, metrics, epochs, bestEpoch };
}
