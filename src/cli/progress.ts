// How progress looks: a spinner on a terminal; elsewhere plain lines, one an epoch and one every ten seconds of reading,
// or JSON objects.

import type { Command } from "commander";
import type { Ora } from "ora";
import type { EpochProgress, Observe, Progress, Watch } from "../training/watch.js";
import type { ReadProgress } from "../log/log.js";
import { isAtK } from "../evaluation/metric-titles.js";
import { standardError, writeLine } from "./terminal.js";

/** Seconds between two lines about reading, off a terminal. */
const READING_INTERVAL = 10;

export interface OutputOptions {
  json?: boolean;
  quiet?: boolean;
  progress?: boolean;
  color?: boolean;
  logFormat?: "text" | "json";
}

/** Shows what a command tells; `stop` it before the result is printed. */
export interface Display {
  observe: Observe;
  stop(): void;
}

/** Where a command's call takes its options from and sends what it makes, on the command line and from TypeScript. */
export interface Caller {
  watch: Watch;
  /** takes what is written with no `out`, or with `-` */
  write: (chunk: string | Uint8Array) => Promise<void>;
  /** with the flags as they were set */
  command: Command;
}

/** The watch of a command that shows no progress: its notes are lines. */
export function noted(signal: AbortSignal, quiet = false): Watch {
  return {
    signal,
    observe(progress) {
      if (!quiet && progress.stage === "note") writeLine(progress.text);
    },
  };
}

/** Does the work under the display that the options call for, which is gone when the result is there. */
export async function watched<T>(
  options: OutputOptions,
  signal: AbortSignal,
  work: (watch: Watch) => Promise<T>,
): Promise<T> {
  const display = await displayFor(options);
  try {
    return await work({ observe: display.observe, signal });
  } finally {
    display.stop();
  }
}

/** The display that the options and the terminal call for. */
async function displayFor(options: OutputOptions): Promise<Display> {
  if (options.quiet) return { observe: () => undefined, stop: () => undefined };
  if (options.logFormat === "json") return linesDisplay((progress) => JSON.stringify(progress));
  // ora divides by the terminal's width, which some pseudo-terminals say is 0
  const terminal = standardError.isTTY && standardError.columns > 0 && process.env["TERM"] !== "dumb";
  const plain = options.progress === false || !terminal;
  const lineOf = lineWriter();
  return plain ? linesDisplay(lineOf) : await spinner(options, lineOf);
}

/** A line an event; readings are told many times a second, and seldom written. */
function linesDisplay(lineOf: (progress: Progress) => string): Display {
  let written = performance.now();
  return {
    observe(progress) {
      const now = performance.now();
      if (progress.stage === "reading" && now - written < 1000 * READING_INTERVAL) return;
      written = now;
      writeLine(lineOf(progress));
    },
    stop: () => undefined,
  };
}

async function spinner(options: OutputOptions, lineOf: (progress: Progress) => string): Promise<Display> {
  const { default: ora } = await import("ora");
  const coloured = options.color !== false && !process.env["NO_COLOR"];
  const shown: Ora = ora({
    stream: standardError,
    text: "reading",
    // a job in the background is stopped when it touches the terminal's modes
    discardStdin: false,
    ...(coloured ? {} : { color: false }),
  }).start();
  return {
    observe(progress) {
      if (progress.stage === "reading") {
        shown.text = lineOf(progress);
        return;
      }
      shown.clear();
      writeLine(lineOf(progress));
      if (progress.stage === "epoch") shown.text = `training${timeLeft(progress)}`;
      if (progress.stage === "training") shown.text = trainingLeft(progress);
      shown.render();
    },
    stop: () => shown.stop(),
  };
}

/** What formats the events of one command; speeds of reading are measured from the first on. */
function lineWriter(): (progress: Progress) => string {
  const start = performance.now();
  return (progress) => {
    switch (progress.stage) {
      case "reading":
        return readingLine(progress, (performance.now() - start) / 1000);
      case "epoch":
        return epochLine(progress);
      case "training":
        return `${progress.text} (${trainingLeft(progress)})`;
      case "warning":
        return `warning: ${progress.text}`;
      case "start":
      case "end":
        return `${progress.time} ${progress.text}`;
      default:
        return progress.text;
    }
  };
}

function readingLine({ rows, bytes, totalBytes }: ReadProgress, seconds: number): string {
  const speed = `${(rows / seconds / 1e6).toFixed(2)} M rows/s, ${(bytes / seconds / 1e6).toFixed(0)} MB/s`;
  const known = totalBytes !== undefined && bytes > 0;
  const share = known ? ` of ${(totalBytes / 1e6).toFixed(1)}` : "";
  const left = known ? `, ${((seconds * (totalBytes - bytes)) / bytes).toFixed(0)} s left` : "";
  return `reading: ${rows.toLocaleString("en")} rows, ${(bytes / 1e6).toFixed(1)}${share} MB, ${speed}${left}`;
}

function epochLine(event: EpochProgress & { training?: string; refit?: true }): string {
  const { training, refit, epoch, epochs, trainLoss, validLoss, auc, vectorNorm, rowsPerSecond, best } =
    event;
  const valid =
    validLoss === undefined ? "" : `, valid loss ${validLoss.toFixed(5)}${best ? " (best so far)" : ""}`;
  const metric = auc === undefined ? "" : `, AUC ${auc.toFixed(5)}`;
  const norm = vectorNorm === undefined ? "" : `, |V| ${vectorNorm.toPrecision(4)}`;
  const speed = `${(rowsPerSecond / 1e6).toFixed(2)} M rows/s`;
  const ranking = Object.entries(event)
    .filter(([name]) => isAtK(name))
    .map(([name, value]) => `, ${name.replace("At", "@")} ${Number(value).toFixed(4)}`);
  const bestOfRanking = ranking.length > 0 && best ? " (best so far)" : "";
  const of = training === undefined ? "" : `${training}: `;
  return `${of}${refit ? "refit " : ""}epoch ${epoch}/${epochs}: train loss ${trainLoss.toFixed(5)}${valid}${metric}${ranking.join("")}${bestOfRanking}${norm}, ${speed}`;
}

function timeLeft({ epoch, epochs, seconds }: EpochProgress): string {
  return epoch < epochs ? `, at most ${Math.ceil((epochs - epoch) * seconds)} s left` : "";
}

function trainingLeft({ done, of, secondsLeft }: Extract<Progress, { stage: "training" }>): string {
  const left = secondsLeft < 90 ? `${Math.ceil(secondsLeft)} s` : `${Math.ceil(secondsLeft / 60)} min`;
  return `${done} of ${of} trainings${done < of ? `, about ${left} left` : ""}`;
}
