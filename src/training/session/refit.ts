// --refit: once the metrics are measured and early stopping has chosen the epochs, the same training on all rows of the log.
//
//   train ──► model that metrics and gates evaluate          train + valid + test, its best epoch's number of epochs ──► table

import type { PartMetrics } from "../../embedding/manifest.js";
import { UsageError } from "../../errors.js";
import type { Checkpoints, Evaluated } from "../epochs/checkpoint.js";
import type { Controls } from "../epochs/epoch-loop.js";
import type { Part } from "../examples/examples.js";
import { rowsOfParts, type SplitParts } from "../reading/split-parts.js";
import type { GivenTraining } from "../options/log.js";
import type { Fit, Plan, Session, Source } from "./plan.js";
import { holdsOutRows, isCut } from "../options/split-options.js";

/** A training, and the model that the run holds. */
interface FittedTwice {
  /** what was evaluated */
  first: Evaluated;
  /** what the run holds: the refitted model, or the first */
  published: Fit;
  /** for the manifest */
  refit?: { epochs: number; rows: number; metrics: Record<string, PartMetrics> };
  /** a signal ended the training before its time */
  interrupted: boolean;
}

interface How {
  checkpoints: Checkpoints;
  refits: boolean;
  /** what early stopping counts */
  round: string;
}

/** Trains, and trains once more on all rows where that is asked for. */
export async function fitTwice(
  plan: Plan,
  source: Source,
  session: Omit<Session, "controls">,
  { checkpoints, refits, round }: How,
): Promise<FittedTwice> {
  const { watch } = session;
  const onInterrupt = watch.finishInstead;
  const whole = refits ? wholeParts(source.parts) : undefined;
  const trained = checkpoints.first
    ? undefined
    : await plan.fit(source, {
        ...session,
        controls: { onInterrupt, ...checkpoints.controls() },
      });
  const first = checkpoints.first ?? trained!.evaluated;
  const interrupted = trained?.interrupted ?? false;
  if (trained && refits && !whole)
    session.warn("--refit has no effect: --valid and --test hold out no row of this log");
  if (trained && (!whole || interrupted)) return { first, published: trained, interrupted };

  const rows = whole!.train.rows.length;
  const rounds = Math.max(1, first.bestEpoch);
  const passes = first.epochs.length === 0 ? "" : `${rounds} ${round}${rounds === 1 ? "" : "s"} `;
  session.note(`refit: ${passes}on all ${rows} rows`);
  // a refit that is cut short is of no use, but the first model is
  const finish = finishing(watch.signal, trained && onInterrupt);
  try {
    const published = await plan.fit(
      { ...source, parts: whole! },
      {
        ...session,
        first,
        // notes and warnings are the first training's
        watch: {
          observe: (reported) => reported.stage === "epoch" && watch.observe({ ...reported, refit: true }),
          signal: finish.signal,
        },
        warn: () => undefined,
        note: () => undefined,
        lap: (stage) => session.lap(`refit ${stage}`),
        controls: checkpoints.controls(first),
      },
    );
    const { epochs, metrics } = published.evaluated;
    return { first, published, refit: { epochs: epochs.length, rows, metrics }, interrupted };
  } catch (error) {
    if (!trained || !finish.isWanted()) throw error;
    return { first, published: trained, interrupted: true };
  } finally {
    finish.end();
  }
}

/** A signal that a taken offer to finish aborts, as the given one does. */
function finishing(signal: AbortSignal, onInterrupt: Controls["onInterrupt"]) {
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

/** @throws {UsageError} no row of the log can be held out, so that there is nothing to train on again */
export function checkRefit({ refit, valid = 0, test = 0, split }: GivenTraining): void {
  if (!refit || holdsOutRows({ valid, test, split })) return;
  throw new UsageError(
    [valid, test].every(isCut)
      ? "--refit needs held-out rows to train on: set --valid or --test to a share"
      : "--refit needs held-out rows of the same log, but --valid or --test is a file: pass all files as one " +
          "log and split it by a share or date",
  );
}

/**
 * All rows of the log as one training part, in the log's order: what a training without --valid and --test reads.
 * Files of --valid and --test stay held out.
 *
 * @returns undefined if all rows are in the training part already
 */
function wholeParts({ train, valid, test }: SplitParts["parts"]): SplitParts["parts"] | undefined {
  const { dataset } = train;
  const heldOut = [valid, test].filter((part) => part?.dataset === dataset);
  if (heldOut.length === 0) return undefined;
  const rows = rowsOfParts([train, ...(heldOut as Part[])]);
  return { train: { dataset, rows }, valid: undefined, test: undefined };
}
