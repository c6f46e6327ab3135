// The epoch loop of a training that can be steered: it stops early, goes on from a checkpoint, and ends with what it has.
//
//   restore? ──► epoch ──► best? keep ──► waited long enough? ──► save? ──► epoch ──► ...
//
// A trainer becomes steerable by running its epochs here: it hands over one epoch, how parameters are kept, and its state as
// named arrays, saved and read back. What it is asked for comes in `controls`; nothing here knows an algorithm.

import type { LoopControls } from "../session/controls.js";
import { EarlyStopping, firstStanding } from "./early-stopping.js";
import type { EpochEnded, EpochEvent } from "./epoch.js";
import { Interruption } from "./interruption.js";
import type { NamedArrays } from "./named-arrays.js";

/** What an epoch came to. */
export interface Seen {
  event: Omit<EpochEvent, "epoch" | "seconds" | "best">;
  /** what early stopping goes by; null in an epoch that does not look where others do, undefined where none does */
  stoppingValue?: number | null | undefined;
}

/** A training as the loop drives it. */
export interface Steered {
  /**
   * One epoch, from 1, with its look at the validation part.
   *
   * @returns undefined when nothing is left to learn, which ends the training: for one that has nothing to copy in `keep`
   * @throws {DivergedError} it is lost
   */
  epoch(epoch: number): Promise<Seen | undefined>;
  /** Copies the parameters aside as those to return. @throws {DivergedError} they are not finite */
  keep(epoch: number): Promise<void> | void;
  /** Copies of all that later epochs read, and of what is kept when that is an earlier epoch's. */
  save(withKept: boolean): NamedArrays;
  /** Goes back to where `save` was called; at any number of threads. @throws {ArtifactError} it is of another shape */
  restore(arrays: NamedArrays): void;
  /** Gives up what the threads do; parameters stay readable. */
  terminate(): Promise<void>;
}

export interface EpochPlan {
  /** at most */
  epochs: number;
  /** looks without a better value before stopping; 0 never stops early */
  patience: number;
  minDelta: number;
  better: "lower" | "higher";
  /** whether some epoch looks at a validation part; else the last epoch's parameters are returned */
  validates: boolean;
  /** what the model that training starts from is worth, where epochs must be better to be kept */
  toBeat?: number | undefined;
}

export interface EpochsDone {
  /** the epoch that was kept last; 0 where none was */
  bestEpoch: number;
  epochs: EpochEvent[];
  interrupted: boolean;
}

/**
 * Runs the epochs; afterwards what was kept last is the model.
 *
 * @param observe called after every epoch
 * @throws what the training throws, unless it was asked to finish
 */
export async function runEpochs(
  training: Steered,
  { epochs: most, patience, minDelta, better, validates, toBeat }: EpochPlan,
  { onInterrupt, checkpoint, resume }: LoopControls,
  observe: (event: EpochEnded) => void,
): Promise<EpochsDone> {
  const stopsEarly = validates && patience > 0;
  const stopping = new EarlyStopping(better, minDelta, resume?.standing ?? firstStanding(toBeat));
  const epochs: EpochEvent[] = [...(resume?.epochs ?? [])];
  if (resume) training.restore(resume.arrays);
  const interruption = new Interruption(training, onInterrupt);

  for (let epoch = epochs.length + 1; epoch <= most; epoch++) {
    try {
      const began = performance.now();
      const seen = await training.epoch(epoch);
      if (!seen) break;
      const { event: reported, stoppingValue } = seen;
      // without a look every epoch is the best so far
      const isBest = stoppingValue === undefined || (stoppingValue !== null && stopping.see(stoppingValue));
      const event = { epoch, ...reported, seconds: (performance.now() - began) / 1000, best: isBest };

      // keep the best parameters, or the last where nothing stops early
      if (isBest || !stopsEarly) {
        const isNeeded = stopsEarly || epoch === most || interruption.isOffered;
        if (isNeeded) await interruption.hold(async () => await training.keep(epoch));
        stopping.keep(epoch);
      }
      epochs.push(event);
      observe({ ...event, ...(stopsEarly && { stopsIn: patience - stopping.waited }) });
    } catch (error) {
      if (interruption.isWanted) break;
      throw error;
    }
    if (interruption.isWanted) break;
    if (stopsEarly && stopping.waited >= patience) break;
    if (checkpoint && epoch % checkpoint.every === 0 && epoch < most) {
      const { standing } = stopping;
      const saved = { arrays: training.save(stopsEarly), standing, epochs: [...epochs] };
      await interruption.hold(() => checkpoint.save(saved));
      if (interruption.isWanted) break;
    }
    // the start is of use, too, where its value is known
    const { kept, value } = stopping.standing;
    if (kept > 0 || value !== null) interruption.offer();
  }
  interruption.end();
  return { bestEpoch: stopping.standing.kept, epochs, interrupted: interruption.isWanted };
}
