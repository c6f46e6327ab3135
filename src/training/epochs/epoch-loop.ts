// The epoch loop of every iterative trainer: stops early, resumes from a checkpoint, and keeps the best epoch on an
// interrupt.
//
//   restore? ──► epoch ──► best? keep ──► patience exhausted? ──► save? ──► epoch ──► ...
//
// A trainer implements `Steered`: one epoch, a copy of its parameters, and its state as named arrays. `Controls` holds
// what the caller asks for. This file knows no algorithm.

import { EarlyStopping, firstStanding, type Standing, type StoppingMetric } from "./early-stopping.js";
import type { LargeArrays, NamedArrays } from "./named-arrays.js";
import { DivergedError } from "../../errors.js";
import { cosDegrees } from "../../numeric/degrees.js";
import type { ThreadsInUse } from "../../workers/thread-choice.js";

/** Result of an epoch. Losses are means per row: nats for the logistic loss, (score - label)^2 for the squared loss. */
export interface EpochEvent {
  /** from 1 */
  epoch: number;
  /** loss of each row before its batch's step */
  trainLoss: number;
  validLoss?: number;
  /** Frobenius norm of V */
  vectorNorm?: number;
  /** the stopping metric, under its name */
  auc?: number;
  rmse?: number;
  /** rows per second of the training pass, without validation */
  rowsPerSecond: number;
  /** duration of the whole epoch */
  seconds: number;
  /** whether the validation loss is the lowest so far; always true without validation */
  best: boolean;
  /** ranking metrics of the validation split, in epochs that validate */
  [metric: `${string}At${number}`]: number;
}

/** An epoch as it is reported during training. */
export type EpochEnded = EpochEvent & {
  /** validations without improvement after which training would stop; absent without early stopping */
  stopsIn?: number;
  /** threads that trained most of the epoch; the result does not depend on them */
  threads?: ThreadsInUse;
};

/** An epoch's result before the loop adds its number and time. */
export interface Seen {
  event: Omit<EpochEvent, "epoch" | "seconds" | "best">;
  /** value of the stopping metric; null in an epoch that skips the validation, undefined if no epoch validates */
  stoppingValue?: number | null | undefined;
}

/** A training, as the loop drives it. */
export interface Steered {
  /**
   * Trains one epoch, numbered from 1, and validates it.
   *
   * @returns undefined if nothing is left to learn, which ends the training; only for one whose `keep` copies nothing
   * @throws {DivergedError} the training diverged
   */
  epoch(epoch: number): Promise<Seen | undefined>;
  /** Copies the parameters as those to return. @throws {DivergedError} they are not finite */
  keep(epoch: number): Promise<void> | void;
  /** Copies everything that later epochs read. @param withKept includes the parameters copied by the last `keep` */
  save(withKept: boolean): NamedArrays;
  /** Returns the arrays of a checkpoint that are read piece by piece; valid until the next epoch. */
  saveLarge?(withKept: boolean): LargeArrays;
  /** Restores what `save` returned, at any number of threads. @throws {ArtifactError} the arrays have other sizes */
  restore(arrays: NamedArrays, large?: LargeArrays): void | Promise<void>;
  /** Stops the threads, even within an epoch; the parameters stay readable. */
  terminate(): Promise<void>;
  /** threads that currently work together; absent if their number is fixed */
  threadsInUse?(): ThreadsInUse;
  /** whether lower or higher values of the stopping metric are better */
  better: "lower" | "higher";
  /** whether any epoch validates; if not, the last epoch's parameters are returned */
  validates: boolean;
  /** value of the stopping metric before training, if only epochs that beat it are kept */
  toBeat?: number;
}

/** The options of a training that the loop uses. */
export interface EpochOptions {
  /** maximum number of epochs */
  epochs: number;
  /** validations without improvement before stopping; 0 disables early stopping */
  patience: number;
  /** smallest improvement that counts; 0 when absent */
  minDelta?: number;
}

/** The state of a training after an epoch; a training that resumes from it continues as if it had not stopped. */
export interface Checkpoint {
  /** the trainer's parameters, and its copy of the best epoch's */
  arrays: NamedArrays;
  large?: LargeArrays | undefined;
  standing: Standing;
  epochs: EpochEvent[];
}

/** Interrupts, checkpoints and other controls of a training that are not options of the model. */
export interface Controls {
  /**
   * Called once there is a result to return, with a function that ends the training early and returns the best epoch.
   *
   * @returns a function that withdraws the offer
   */
  onInterrupt?: (finish: () => void) => () => void;
  /** saves the state after every so many epochs */
  checkpoint?: { every: number; save(checkpoint: Checkpoint): Promise<void> };
  /** the checkpoint to resume from */
  resume?: Checkpoint;
  stoppingMetric?: StoppingMetric;
  /** whether the optimizer's state is kept with the model */
  keepsState?: boolean;
}

export interface EpochsDone {
  /** the epoch that was kept last; 0 if none was */
  bestEpoch: number;
  epochs: EpochEvent[];
  interrupted: boolean;
}

/**
 * Runs the epochs. Afterwards the parameters that were kept last are the model.
 *
 * @param observe called after every epoch
 * @throws whatever the training throws, unless it was asked to finish
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
      // without a validation, every epoch counts as the best so far
      const isBest = stoppingValue === undefined || (stoppingValue !== null && stopping.see(stoppingValue));
      const event = { epoch, ...reported, seconds: (performance.now() - began) / 1000, best: isBest };

      // keep the best epoch's parameters, or the last one's without early stopping
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
    // if the initial parameters' value is known, they are a valid result, too
    const { kept, value } = stopping.standing;
    if (kept > 0 || value !== null) interruption.offer();
  }
  interruption.end();
  return { bestEpoch: stopping.standing.kept, epochs, interrupted: interruption.isWanted };
}

/** A training whose threads can be stopped. */
interface Ending {
  terminate(): Promise<void>;
}

/** The offer to finish early, which stands from the first result to the end. */
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

  /** Whether the training may be interrupted; if so, every epoch that could be returned is copied. */
  get isOffered(): boolean {
    return this.#onInterrupt !== undefined;
  }

  /** Makes the offer, once. */
  offer(): void {
    this.#withdraw ??= this.#onInterrupt?.(() => {
      this.isWanted = true;
      // stops the threads in the middle of their work; the memory stays readable
      if (!this.#isHeld) void this.#machine.terminate();
    });
  }

  /** Does work that an interrupt must not cut short, such as a copy or a save. */
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

/** Returns the error for a training that diverged. @param what what happened @param others further advice */
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

/** Fraction of the training over which the learning rate rises. */
const WARM_UP = 0.025;

/**
 * Learning rate of a cosine schedule with a linear warm-up.
 * @param top the highest rate
 * @param share fraction of the training that is over
 */
export function cosineRate(top: number, share: number): number {
  return top * Math.min(1, share / WARM_UP) * 0.5 * (1 + cosDegrees(180 * share));
}
