// --refit: once early stopping has chosen the epochs, the same training on all rows, held-out ones among them.
//
//   train ──► model that metrics and gates judge          train + valid + test, its best epoch's number of epochs ──► table

import type { Metrics } from "../embedding/manifest.js";
import { UsageError } from "../errors.js";
import type { TrainingControls } from "./controls.js";
import type { Checkpoints, Judged } from "./checkpoint.js";
import type { Part } from "./examples.js";
import type { SplitParts } from "./parts.js";
import type { TrainFmOptions } from "../trainers/fm/asked.js";
import { trainParts, type Telling, type TrainedParts, type TrainingSource } from "./train-parts.js";

/** What was judged, with the hyperparameters of these trainers. */
type JudgedParts = Judged<TrainedParts["options"]>;

/** A training, and the model that the run holds. */
export interface TrainedTwice {
  /** what was judged */
  first: JudgedParts;
  /** what the run holds: the refitted model, or the first */
  published: TrainedParts;
  /** for the manifest */
  refit?: { epochs: number; rows: number; metrics: Record<string, Metrics> };
  /** a signal ended the training before its time */
  interrupted: boolean;
}

/**
 * Trains, and trains once more on all rows where that is asked for.
 *
 * @throws {UsageError} --refit without held-out rows of this log
 */
export async function trainAndRefit(
  source: TrainingSource,
  options: TrainFmOptions,
  telling: Telling,
  checkpoints: Checkpoints,
): Promise<TrainedTwice> {
  const { watch } = telling;
  const onInterrupt = watch.finishInstead;
  const keepsState = options.keepState ?? false;
  const whole = options.refit ? wholeParts(source.parts) : undefined;
  const before = checkpoints.first as JudgedParts | undefined;
  const trained = before
    ? undefined
    : await trainParts(source, options, telling, {
        ...(onInterrupt && { onInterrupt }),
        keepsState,
        ...checkpoints.controls(),
      });
  const first = before ?? judgedOf(trained!);
  const interrupted = trained?.model.interrupted ?? false;
  if (trained && (!whole || interrupted)) return { first, published: trained, interrupted };

  const rows = whole!.train.rows.length;
  watch.observe({
    stage: "note",
    text: `refit: ${first.bestEpoch} ${first.bestEpoch === 1 ? "epoch" : "epochs"} on all ${rows} rows`,
  });
  // a refit that is cut short is of no use, but the first model is
  const finish = finishing(watch.signal, trained && onInterrupt);
  try {
    const published = await trainParts(
      { ...source, parts: whole! },
      withoutStopping(options, first),
      {
        // notes and warnings are the first training's
        watch: {
          observe: (told) => told.stage === "epoch" && watch.observe({ ...told, refit: true }),
          signal: finish.signal,
        },
        warn: () => undefined,
        lap: (stage) => telling.lap(`refit ${stage}`),
      },
      { keepsState, ...checkpoints.controls(first) },
    );
    const { model, metrics } = published;
    return { first, published, refit: { epochs: model.epochs.length, rows, metrics }, interrupted };
  } catch (error) {
    if (!trained || !finish.isWanted()) throw error;
    return { first, published: trained, interrupted: true };
  } finally {
    finish.end();
  }
}

function judgedOf({ options: fm, metrics, trials, model }: TrainedParts): JudgedParts {
  const { epochs, bestEpoch, chosen } = model;
  // a refit has no validation part by which it could choose again
  const options = chosen?.tableScale === undefined ? fm : { ...fm, tableScale: chosen.tableScale };
  return { options, metrics, epochs, bestEpoch, ...(trials && { trials }) };
}

/** The settings that the first training ended with, for its best number of epochs. */
function withoutStopping(options: TrainFmOptions, { options: fm, bestEpoch }: JudgedParts): TrainFmOptions {
  const { metric: _, search: __, ...others } = options;
  return { ...others, fm: { ...fm, epochs: bestEpoch } };
}

/** A signal that a taken offer to finish aborts, as the given one does. */
function finishing(signal: AbortSignal, onInterrupt: TrainingControls["onInterrupt"]) {
  const abort = new AbortController();
  const pass = () => abort.abort(signal.reason);
  signal.addEventListener("abort", pass);
  let wanted = false;
  const withdraw = onInterrupt?.(() => {
    wanted = true;
    abort.abort(new Error("finishing"));
  });
  return {
    signal: abort.signal,
    isWanted: () => wanted && !signal.aborted,
    end: () => {
      withdraw?.();
      signal.removeEventListener("abort", pass);
    },
  };
}

/**
 * All rows of the log as one training part, in the log's order: what a training without --valid and --test reads.
 *
 * @throws {UsageError} nothing is held out, or it is of another log
 */
export function wholeParts({ train, valid, test }: SplitParts["parts"]): SplitParts["parts"] {
  const heldOut = [valid, test].filter((part): part is Part => part !== undefined);
  if (heldOut.length === 0)
    throw new UsageError("--refit trains on held-out rows too: give --valid or --test a share");
  if (heldOut.some(({ dataset }) => dataset !== train.dataset)) {
    throw new UsageError(
      "--refit needs held-out rows of the same log, and --valid or --test is a file: give the files as one log and cut it by shares or dates",
    );
  }
  const parts = [train, ...heldOut];
  const rows = new Uint32Array(parts.reduce((sum, part) => sum + part.rows.length, 0));
  let at = 0;
  for (const part of parts) {
    rows.set(part.rows, at);
    at += part.rows.length;
  }
  return { train: { dataset: train.dataset, rows: rows.sort() }, valid: undefined, test: undefined };
}
