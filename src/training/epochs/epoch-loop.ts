// The epoch loop of every iterative trainer: stops early, resumes from a checkpoint, and keeps the best epoch on an
// interrupt.
//
//   restore? ──► epoch ──► best? keep ──► patience exhausted? ──► save? ──► epoch ──► ...
//
// A trainer implements `Steered`: one epoch, a copy of its parameters, and its state as named arrays. `Controls`
// contains the requests of the caller. This file does not depend on an algorithm.

import { EarlyStopping, firstStanding, type Standing, type StoppingMetric } from "./early-stopping.js";
import type { LargeArrays, NamedArrays } from "./named-arrays.js";
import { DivergedError } from "../../base/errors.js";
import { cosDegrees } from "../../base/numeric/degrees.js";
import type { ThreadsInUse } from "../../compute/threads/thread-choice.js";

/** Result of an epoch. Losses are means per row: nats for the logistic loss, (score - label)^2 for the squared loss. */
export interface EpochEvent {
  /** number of the epoch, from 1 */
  epoch: number;
  /** mean training loss; the loss of each row is computed before the step of its batch */
  trainLoss: number;
  validLoss?: number;
  /** Frobenius norm of all vectors */
  vectorNorm?: number;
  /** value of the stopping metric, under the metric's name */
  auc?: number;
  rmse?: number;
  /** number of rows per second in the training pass, without validation */
  rowsPerSecond: number;
  /** duration of the whole epoch in seconds */
  seconds: number;
  /** true if the validation loss is the lowest so far; always true without validation */
  best: boolean;
  /** ranking metrics of the validation split; only in epochs that validate */
  [metric: `${string}At${number}`]: number;
}

/** An epoch in the form in which it is reported during training. */
export type EpochEnded = EpochEvent & {
  /** number of further validations without improvement after which training stops; absent without early stopping */
  stopsIn?: number;
  /** number of threads in most of the epoch, on which the result does not depend */
  threads?: ThreadsInUse;
};

interface Seen {
  event: Omit<EpochEvent, "epoch" | "seconds" | "best">;
  /** value of the stopping metric; null in an epoch that skips the validation, undefined if no epoch validates */
  stoppingValue?: number | null | undefined;
}

/** A training that the epoch loop controls. */
export interface Steered {
  /**
   * Trains one epoch, numbered from 1, and validates it.
   *
   * @returns undefined if there is nothing left to learn, which ends the training; only allowed if `keep` copies
   * nothing
   * @throws {DivergedError} the training diverged
   */
  epoch(epoch: number): Promise<Seen | undefined>;
  /** Copies the current parameters as the parameters to return. @throws {DivergedError} they are not finite */
  keep(epoch: number): Promise<void> | void;
  /** Copies all state that later epochs depend on. @param withKept also the parameters that `keep` copied last */
  save(withKept: boolean): NamedArrays;
  /** Returns the arrays of a checkpoint that are read piece by piece; valid until the next epoch. */
  saveLarge?(withKept: boolean): LargeArrays;
  /** Restores a state of `save`, at any number of threads. @throws {ArtifactError} the arrays have other sizes */
  restore(arrays: NamedArrays, large?: LargeArrays): void | Promise<void>;
  /** Stops the threads, even within an epoch; the parameters remain readable. */
  terminate(): Promise<void>;
  /** number of threads that currently work; absent if it is fixed */
  threadsInUse?(): ThreadsInUse;
  better: "lower" | "higher";
  /** true if any epoch validates; if not, the parameters of the last epoch are returned */
  validates: boolean;
  /** value of the stopping metric before training; if set, only better epochs are kept */
  toBeat?: number;
}

/** Options of a training that the epoch loop uses. */
export interface EpochOptions {
  epochs: number;
  /** number of validations without improvement before training stops; 0 disables early stopping */
  patience: number;
  /** minimum improvement that resets the patience; 0 when absent */
  minDelta?: number;
}

/** State of a training after an epoch. A training that resumes from it continues as if it had not stopped. */
export interface Checkpoint {
  /** the trainer's current parameters, and those of its best epoch so far */
  arrays: NamedArrays;
  large?: LargeArrays | undefined;
  standing: Standing;
  epochs: EpochEvent[];
}

/** Controls of a training other than the options of the model, such as interrupts and checkpoints. */
export interface Controls {
  /**
   * Called once the training has a result to return. The argument is a function that ends the training early and
   * returns the best epoch.
   *
   * @returns function that withdraws the offer
   */
  onInterrupt?: (finish: () => void) => () => void;
  checkpoint?: { every: number; save(checkpoint: Checkpoint): Promise<void> };
  resume?: Checkpoint;
  stoppingMetric?: StoppingMetric;
  /** true to store the optimizer state with the model */
  keepsState?: boolean;
}

export interface EpochsDone {
  /** epoch whose parameters were kept last; 0 if there is none */
  bestEpoch: number;
  epochs: EpochEvent[];
  interrupted: boolean;
}

/**
 * Runs the epochs. Afterwards, the parameters that were kept last form the model.
 *
 * @param observe called after every epoch
 * @throws the errors of the training, unless the user asked it to finish early
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
      // without validation, every epoch counts as the best so far
      const isBest = stoppingValue === undefined || (stoppingValue !== null && stopping.see(stoppingValue));
      const event = { epoch, ...reported, seconds: (performance.now() - began) / 1000, best: isBest };

      // keep the parameters of the best epoch or, without early stopping, of the last epoch
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
    // the initial parameters are a valid result, too, if their metric is known
    const { kept, value } = stopping.standing;
    if (kept > 0 || value !== null) interruption.offer();
  }
  interruption.end();
  return { bestEpoch: stopping.standing.kept, epochs, interrupted: interruption.isWanted };
}

/** The offer to finish early, which is valid from the first result to the end of the training. */
class Interruption {
  isWanted = false;
  #withdraw: (() => void) | undefined;
  #isHeld = false;

  constructor(
    private readonly machine: Pick<Steered, "terminate">,
    private readonly onInterrupt: Controls["onInterrupt"],
  ) {}

  /** True if the user may interrupt the training; every epoch that could be returned must then be copied. */
  get isOffered(): boolean {
    return this.onInterrupt !== undefined;
  }

  offer(): void {
    this.#withdraw ??= this.onInterrupt?.(() => {
      this.isWanted = true;
      // stops the threads in the middle of their work; the memory remains readable
      if (!this.#isHeld) void this.machine.terminate();
    });
  }

  /** Does work that an interrupt must not cancel, such as a copy or a save. */
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

/** Returns the error for a training that diverged. @param others further advice */
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

/** Fraction of the training during which the learning rate rises. */
const WARM_UP = 0.025;

/** Learning rate of a cosine schedule with a linear warm-up. @param share completed fraction of the training */
export function cosineRate(top: number, share: number): number {
  return top * Math.min(1, share / WARM_UP) * 0.5 * (1 + cosDegrees(180 * share));
}
