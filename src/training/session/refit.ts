// --refit: once a first training has determined the metrics and the number of epochs, trains again on all rows.

import type { PartMetrics } from "../../table/manifest.js";
import { UsageError } from "../../base/errors.js";
import type { Checkpoints, Evaluated } from "../epochs/checkpoint.js";
import type { Controls } from "../epochs/epoch-loop.js";
import type { Part } from "../examples/examples.js";
import { rowsOfParts, type SplitParts } from "../reading/split-parts.js";
import type { GivenTraining } from "../shared-options/log.js";
import type { Fit, Plan, Session, TrainingInput } from "./trainer.js";
import { holdsOutRows, isCut } from "../shared-options/split-options.js";

interface FittedTwice {
  first: Evaluated;
  /** model of the run: that of the refit, or of the first training */
  published: Fit;
  /** the manifest's entry about the refit; absent without a refit */
  refit?: { epochs: number; rows: number; metrics: Record<string, PartMetrics> };
  interrupted: boolean;
}

interface How {
  checkpoints: Checkpoints;
  refits: boolean;
  /** name of the step that early stopping counts: `epoch`, `tree` */
  round: string;
}

export async function fitTwice(
  plan: Plan,
  source: TrainingInput,
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
  // if a refit is interrupted, it is discarded and the first model is published
  const finish = finishing(watch.signal, trained && onInterrupt);
  try {
    const published = await plan.fit(
      { ...source, parts: whole! },
      {
        ...session,
        first,
        // drops notes and warnings, which the first training has already reported
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

/** Returns a signal that aborts when the given signal does, or when the user accepts the offer to finish early. */
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

/** Checks --refit. @throws {UsageError} no row of the log is held out, so that a refit would use the same rows */
export function checkRefit({ refit, valid = 0, test = 0, split }: GivenTraining): void {
  if (!refit || holdsOutRows({ valid, test, split })) return;
  throw new UsageError(
    [valid, test].every(isCut)
      ? "--refit needs held-out rows to train on: set --valid or --test to a share"
      : "--refit needs held-out rows of the same log, but --valid or --test is a file: pass all files as one " +
          "log and split it by a share or date",
  );
}

/** Returns all rows of the log as the training split; undefined if it already has them. Separate files stay held out. */
function wholeParts({ train, valid, test }: SplitParts["parts"]): SplitParts["parts"] | undefined {
  const { dataset } = train;
  const heldOut = [valid, test].filter((part) => part?.dataset === dataset);
  if (heldOut.length === 0) return undefined;
  const rows = rowsOfParts([train, ...(heldOut as Part[])]);
  return { train: { dataset, rows }, valid: undefined, test: undefined };
}
