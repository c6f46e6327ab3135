// Progress reports of a running command. The command line decides how they look.

import type { ReadProgress } from "../../log/log.js";
import type { EpochEnded } from "../epochs/epoch-loop.js";

/** An epoch that has ended, with the maximum number of epochs. */
export type EpochProgress = EpochEnded & { epochs: number };

export type Progress =
  | ({ stage: "reading" } & ReadProgress)
  | ({
      stage: "epoch";
      /** name of the step, if it is not an epoch: `tree` */
      round?: string;
      /** name of the training, if it is part of a pipeline */
      training?: string;
      /** true if the epoch belongs to a refit on all rows */
      refit?: true;
    } & EpochProgress)
  /** one of several trainings has ended */
  | { stage: "training"; text: string; done: number; of: number; secondsLeft?: number }
  /** a long step has begun: `writing run` */
  | { stage: "doing"; text: string }
  /** a note in the form of a sentence, for example on an inferred or ignored column */
  | { stage: "note"; text: string }
  /** a step of a pipeline has ended, or was skipped */
  | { stage: "step"; step: string; outcome: "done" | "skipped" | "failed"; text: string; seconds: number }
  /** a pipeline has begun or ended */
  | { stage: "start"; pipeline: string; text: string; time: string }
  | {
      stage: "end";
      pipeline: string;
      outcome: string;
      exitCode: number;
      text: string;
      time: string;
      seconds: number;
    }
  /** a warning in the form of a sentence, which the summary repeats */
  | { stage: "warning"; text: string };

export type Observe = (progress: Progress) => void;

/** Callbacks with which a command reports its progress and is stopped. */
export interface Watch {
  observe: Observe;
  signal: AbortSignal;
  /** offers to save the best model so far: the next interrupt calls `finish`, not abort. Returns a withdrawal. */
  finishInstead?: (finish: () => void) => () => void;
  /** returns the milliseconds until `finish` is called or the signal aborts; absent if the time is unlimited */
  timeLeft?: () => number;
}

/** Returns a watch that also collects warnings for the summary. */
export function collectWarnings(watch: Watch): {
  watch: Watch;
  warnings: string[];
  warn: (text: string) => void;
} {
  const warnings: string[] = [];
  const observe: Observe = (progress) => {
    if (progress.stage === "warning") warnings.push(progress.text);
    watch.observe(progress);
  };
  return { watch: { ...watch, observe }, warnings, warn: (text) => observe({ stage: "warning", text }) };
}

/** Measures the duration of stages in seconds, for the timings in the manifest. */
export class Stopwatch {
  readonly laps: Record<string, number> = {};
  readonly #start = performance.now();
  #last = this.#start;

  lap(stage: string): void {
    const now = performance.now();
    this.laps[stage] = (now - this.#last) / 1000;
    this.#last = now;
  }

  seconds(): number {
    return (performance.now() - this.#start) / 1000;
  }
}
