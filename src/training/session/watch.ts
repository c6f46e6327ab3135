// What a command tells while it works; how it looks is the command line's.

import type { ReadProgress } from "../../log/log.js";
import type { EpochEnded } from "../epochs/epoch-loop.js";

/** An epoch of at most `epochs`. */
export type EpochProgress = EpochEnded & { epochs: number };

export type Progress =
  | ({ stage: "reading" } & ReadProgress)
  | ({
      stage: "epoch";
      /** what is counted, where it is no epoch: `tree` */
      round?: string;
      /** of a pipeline: which training */
      training?: string;
      /** of the training on all rows, once the epochs are chosen */
      refit?: true;
    } & EpochProgress)
  /** of several trainings: one has ended */
  | { stage: "training"; text: string; done: number; of: number; secondsLeft?: number }
  /** what is being done from now on, which takes a while: `writing run` */
  | { stage: "doing"; text: string }
  /** a sentence: what was inferred, what was left out */
  | { stage: "note"; text: string }
  /** of a pipeline: a step has ended, or was not needed */
  | { stage: "step"; step: string; outcome: "done" | "skipped" | "failed"; text: string; seconds: number }
  /** of a pipeline: it begins, it ends */
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
  /** a sentence that the summary repeats */
  | { stage: "warning"; text: string };

export type Observe = (progress: Progress) => void;

/** How a command is watched and stopped. */
export interface Watch {
  observe: Observe;
  signal: AbortSignal;
  /** where an interruption is to save: the next one calls `finish` in place of aborting the signal; returns what ends this */
  finishInstead?: (finish: () => void) => () => void;
  /** milliseconds until `finish` is called or the signal aborted, where that is known */
  timeLeft?: () => number;
}

/** A watch that hears of warnings and keeps them, for a summary. */
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

/** Wall time by stage, in seconds: for the manifest's timings alone. */
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
