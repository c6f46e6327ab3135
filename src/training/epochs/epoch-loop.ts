// The epoch loop of a training that can be steered: it stops early, goes on from a checkpoint, and ends with what it has.
//
//   restore? ──► epoch ──► best? keep ──► waited long enough? ──► save? ──► epoch ──► ...
//
// A trainer becomes steerable by running its epochs here: it hands over one epoch, how parameters are kept, and its state as
// named arrays, saved and read back. What it is asked for comes in `controls`; nothing here knows an algorithm.

import { EarlyStopping, firstStanding, type Standing, type StoppingMetric } from "./early-stopping.js";
import type { LargeArrays, NamedArrays } from "./named-arrays.js";
import { DivergedError } from "../../errors.js";
import { cosDegrees } from "../../numeric/degrees.js";
import type { ThreadsInUse } from "../../workers/thread-choice.js";

/** What happened in an epoch; losses are means a row: nats for the logistic loss, (score - label)^2 for the squared loss. */
export interface EpochEvent {
  /** from 1 */
  epoch: number;
  /** of each row before its batch's step */
  trainLoss: number;
  validLoss?: number;
  /** of V: the root of the sum of its squares */
  vectorNorm?: number;
  /** the metric that early stopping goes by, by its name */
  auc?: number;
  rmse?: number;
  /** of the training pass alone */
  rowsPerSecond: number;
  /** of the whole epoch */
  seconds: number;
  /** whether no earlier epoch has a lower validation loss; without validation always true */
  best: boolean;
  /** ranking metrics of the validation part, in epochs that look at it */
  [metric: `${string}At${number}`]: number;
}

/** An epoch as it is reported while training goes on. */
export type EpochEnded = EpochEvent & {
  /** validations without improvement after which training stops early; absent where it does not */
  stopsIn?: number;
  /** threads that trained most of it; the result does not depend on them */
  threads?: ThreadsInUse;
};

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
  /** What of it is read piece by piece; valid until the next epoch. */
  saveLarge?(withKept: boolean): LargeArrays;
  /** Goes back to where `save` was called; at any number of threads. @throws {ArtifactError} it is of another shape */
  restore(arrays: NamedArrays, large?: LargeArrays): void | Promise<void>;
  /** Gives up what the threads do; parameters stay readable. */
  terminate(): Promise<void>;
  /** threads that work together at present; absent where they do not choose how many */
  threadsInUse?(): ThreadsInUse;
  /** which of two values of what early stopping goes by */
  better: "lower" | "higher";
  /** whether some epoch looks at a validation part; else the last epoch's parameters are returned */
  validates: boolean;
  /** what the model that training starts from is worth, where epochs must be better to be kept */
  toBeat?: number;
}

/** The options of a training that the loop reads. */
export interface EpochOptions {
  /** at most */
  epochs: number;
  /** looks without a better value before stopping; 0 never stops early */
  patience: number;
  /** what a look must be better by to count; 0 when absent */
  minDelta?: number;
}

/** Where a training stands after an epoch: with it, training goes on as if it had not stopped. */
export interface Checkpoint {
  /** what the trainer has made, and what it keeps of the best epoch */
  arrays: NamedArrays;
  large?: LargeArrays | undefined;
  standing: Standing;
  epochs: EpochEvent[];
}

/** How a training is watched and steered from outside, beside its options. */
export interface Controls {
  /**
   * Called when the first epoch is done, with what ends the training early: it then returns the best epoch so far.
   *
   * @returns what withdraws the offer
   */
  onInterrupt?: (finish: () => void) => () => void;
  /** saves where the training stands after every so many epochs */
  checkpoint?: { every: number; save(checkpoint: Checkpoint): Promise<void> };
  /** where to go on */
  resume?: Checkpoint;
  stoppingMetric?: StoppingMetric;
  /** what the optimizer keeps goes with the model */
  keepsState?: boolean;
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
  { epochs: most, patience, minDelta = 0 }: EpochOptions,
  { onInterrupt, checkpoint, resume }: Controls,
  observe: (event: EpochEnded) => void,
): Promise<EpochsDone> {
  const stopsEarly = training.validates && patience > 0;
  const standing = resume?.standing ?? firstStanding(training.toBeat);
  const stopping = new EarlyStopping(training.better, minDelta, standing);
  const epochs: EpochEvent[] = [...(resume?.epochs ?? [])];
  if (resume) await training.restore(resume.arrays, resume.large);
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
      observe({
        ...event,
        ...(stopsEarly && { stopsIn: patience - stopping.waited }),
        ...(training.threadsInUse && { threads: training.threadsInUse() }),
      });
    } catch (error) {
      if (interruption.isWanted) break;
      throw error;
    }
    if (interruption.isWanted) break;
    if (stopsEarly && stopping.waited >= patience) break;
    if (checkpoint && epoch % checkpoint.every === 0 && epoch < most) {
      const saved = {
        arrays: training.save(stopsEarly),
        large: training.saveLarge?.(stopsEarly),
        standing: stopping.standing,
        epochs: [...epochs],
      };
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

/** What ends the threads. */
interface Ending {
  terminate(): Promise<void>;
}

/** The offer to finish early, from the first epoch to the last. */
class Interruption {
  isWanted = false;
  readonly #machine: Ending;
  readonly #onInterrupt: ((finish: () => void) => () => void) | undefined;
  #withdraw: (() => void) | undefined;
  #isHeld = false;

  constructor(machine: Ending, onInterrupt: ((finish: () => void) => () => void) | undefined) {
    this.#machine = machine;
    this.#onInterrupt = onInterrupt;
  }

  /** Whether anybody may take it: every epoch that would be returned must be kept then. */
  get isOffered(): boolean {
    return this.#onInterrupt !== undefined;
  }

  /** To be called when an epoch is kept. */
  offer(): void {
    this.#withdraw ??= this.#onInterrupt?.(() => {
      this.isWanted = true;
      // what the threads do is given up; the memory stays
      if (!this.#isHeld) void this.#machine.terminate();
    });
  }

  /** Does what must not be cut short. */
  async hold<T>(work: () => Promise<T>): Promise<T> {
    this.#isHeld = true;
    try {
      return await work();
    } finally {
      this.#isHeld = false;
    }
  }

  end(): void {
    this.#withdraw?.();
  }
}

/** The error that stops a training. @param what happened @param others what else is there to try */
export function diverged(
  what: string,
  epoch: number,
  { learningRate }: { learningRate: number },
  others = "a larger --l2-vector, or scale numeric columns to a smaller range",
): DivergedError {
  return new DivergedError(
    `${what} in epoch ${epoch} with learning rate ${learningRate}: ` +
      `try --learning-rate ${learningRate / 5}, ${others}`,
  );
}

/** The share of a training over which the rate rises. */
const WARM_UP = 0.025;

/** The step size when a share of the training is over. @param top the highest one */
export function cosineRate(top: number, share: number): number {
  return top * Math.min(1, share / WARM_UP) * 0.5 * (1 + cosDegrees(180 * share));
}
