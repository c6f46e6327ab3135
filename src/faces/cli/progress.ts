// Displays progress: a spinner on a terminal; otherwise plain lines, at most fifteen for a training's epochs and one
// every ten seconds of reading, or JSON objects.

import type { Ora } from "ora";
import type { Observe, Progress, Watch } from "../../training/session/watch.js";
import type { ReadProgress } from "../../log/log.js";
import { isAtK } from "../../table/manifest.js";
import type { TerminalOptions } from "./terminal-options.js";
import { EpochLines, SimilarLines } from "./similar-lines.js";
import { standardError, writeJsonLine, writeLine } from "./terminal.js";

/** Seconds between two lines about reading, outside of a terminal. */
const READING_INTERVAL = 10;

const WORKING = "working";
/** Seconds after which the duration of a step is shown. */
const LONG = 3;
/** Maximum number of lines for the epochs of one training, because the log of a job also contains other lines. */
const MOST_EPOCHS = { line: 15, terminal: 40 };
/** Number of recent epochs from which the duration of the next one is estimated. */
const RECENT = 5;

/** Displays a command's progress; call `stop` before the result is printed. */
interface Display {
  observe: Observe;
  stop(): void;
}

/** Returns a watch that prints notes as lines, and no progress. */
export function noted(signal: AbortSignal, quiet = false): Watch {
  return {
    signal,
    observe(progress) {
      if (!quiet && progress.stage === "note") writeLine(progress.text);
    },
  };
}

export async function watched<T>(
  options: TerminalOptions,
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

async function displayFor(options: TerminalOptions): Promise<Display> {
  if (options.quiet) return { observe: () => undefined, stop: () => undefined };
  if (options.logFormat === "json") return jsonDisplay();
  // ora divides by the terminal's width, which some pseudo-terminals report as 0
  const { isTTY, columns } = standardError();
  const terminal = isTTY && columns > 0 && process.env["TERM"] !== "dumb";
  const plain = options.progress === false || !terminal;
  const lineOf = lineWriter();
  return plain ? linesDisplay(lineOf) : await spinner(options, lineOf);
}

/** Prints one line per event. Events of reading, which occur many times per second, are rarely printed. */
function jsonDisplay(): Display {
  const isDue = everySoOften();
  return {
    observe(progress) {
      if (progress.stage !== "reading" || isDue()) writeJsonLine(progress);
    },
    stop: () => undefined,
  };
}

function linesDisplay(lineOf: (progress: Progress) => string): Display {
  const isDue = everySoOften();
  const epochs = new EpochLines(MOST_EPOCHS.line, (event, isBest) =>
    writeLine(`${isBest ? "best: " : ""}${lineOf(event)}`),
  );
  const sentences = sentenceLines(writeLine);
  return {
    observe(progress) {
      if (sentences.isTaken(progress)) return;
      if (progress.stage === "reading") {
        const line = lineOf(progress);
        if (isDue()) writeLine(line);
        return;
      }
      if (progress.stage === "epoch") {
        epochs.see(progress);
        return;
      }
      epochs.end();
      if (progress.stage !== "doing") writeLine(lineOf(progress));
    },
    stop() {
      sentences.end();
      epochs.end();
    },
  };
}

/**
 * Prints notes and warnings; similar ones are combined into one line, so they are held back until another event.
 * @returns isTaken: prints or holds back a note or a warning, and returns whether the event was one. end: prints what
 * is held back
 */
function sentenceLines(write: (text: string) => void): { isTaken(progress: Progress): boolean; end(): void } {
  const lines = {
    note: new SimilarLines(write),
    warning: new SimilarLines((text) => write(`warning: ${text}`)),
  };
  return {
    isTaken(progress) {
      if (progress.stage !== "warning") lines.warning.end();
      if (progress.stage !== "note") lines.note.end();
      if (progress.stage !== "warning" && progress.stage !== "note") return false;
      lines[progress.stage].see(progress.text);
      return true;
    },
    end() {
      lines.note.end();
      lines.warning.end();
    },
  };
}

/** Returns a function that returns true at most every ten seconds, when a line about reading may be printed. */
function everySoOften(): () => boolean {
  let written = performance.now();
  return () => {
    const now = performance.now();
    if (now - written < 1000 * READING_INTERVAL) return false;
    written = now;
    return true;
  };
}

async function spinner(options: TerminalOptions, lineOf: (progress: Progress) => string): Promise<Display> {
  const { default: ora } = await import("ora");
  const colored = options.color !== false && !process.env["NO_COLOR"];
  const shown: Ora = ora({
    stream: standardError(),
    text: WORKING,
    // changing the terminal's modes would stop a job in the background
    discardStdin: false,
    ...(colored ? {} : { color: false }),
  }).start();
  const above = (text: string): void => {
    shown.clear();
    writeLine(text);
    shown.render();
  };
  const sentences = sentenceLines(above);
  const epochs = new EpochLines(MOST_EPOCHS.terminal, (event, isBest) =>
    above(`${isBest ? "best: " : ""}${lineOf(event)}`),
  );
  // text of the current step, and the time at which the step began
  let [doing, since] = [WORKING, performance.now()];
  const show = (text: string): void => {
    if (text !== doing) [doing, since] = [text, performance.now()];
    const seconds = Math.floor((performance.now() - since) / 1000);
    shown.text = seconds < LONG ? doing : `${doing} (for ${seconds} s)`;
  };
  const clock = setInterval(() => show(doing), 1000);
  clock.unref();
  const timeLeft = epochsLeft();
  return {
    observe(progress) {
      if (sentences.isTaken(progress)) return;
      if (progress.stage === "reading") {
        // all bytes are read: only work of unknown duration remains, so no remaining time is shown
        const isRead = progress.totalBytes !== undefined && progress.bytes >= progress.totalBytes;
        const line = lineOf(progress);
        show(isRead ? `${WORKING} on ${progress.rows.toLocaleString("en")} rows` : line);
        return;
      }
      if (progress.stage === "epoch") {
        epochs.see(progress);
        show(timeLeft(progress));
        return;
      }
      epochs.end();
      if (progress.stage === "doing") {
        show(progress.text);
        return;
      }
      above(lineOf(progress));
      if (progress.stage === "training") show(trainingLeft(progress));
      if (progress.stage === "step") show(WORKING);
    },
    stop() {
      clearInterval(clock);
      sentences.end();
      epochs.end();
      shown.stop();
    },
  };
}

/** Seconds of reading from which the speed is measured, because it changes once more threads read. */
const WINDOW = 2;

/** Returns a function that formats the events of a command, which is called for every event of reading. */
export function lineWriter(clock: () => number = () => performance.now()): (progress: Progress) => string {
  // the speed counts from `from`, an event of the same reading that is one to two windows old
  type Mark = { at: number; rows: number; bytes: number };
  let [from, last]: [Mark?, Mark?] = [];
  return (progress) => {
    if (progress.stage !== "reading") last = undefined;
    switch (progress.stage) {
      case "reading": {
        const now = { at: clock() / 1000, rows: progress.rows, bytes: progress.bytes };
        if (!from || !last || now.bytes < last.bytes) [from, last] = [now, now];
        else if (now.at - last.at > WINDOW) [from, last] = [last, now];
        const seconds = now.at - from.at;
        const past = { seconds, rows: now.rows - from.rows, bytes: now.bytes - from.bytes };
        return readingLine(progress, past);
      }
      case "epoch":
        return epochLine(progress);
      case "training":
        return `${progress.text} (${trainingLeft(progress)})`;
      case "start":
      case "end":
        return `${progress.time} ${progress.text}`;
      default:
        return progress.text;
    }
  };
}

/** @param past seconds of reading, with the rows and bytes that were read in them */
function readingLine(
  { rows, bytes, totalBytes }: ReadProgress,
  past: { seconds: number; rows: number; bytes: number },
): string {
  const known = totalBytes !== undefined && bytes > 0;
  const share = known ? ` of ${(totalBytes / 1e6).toFixed(1)}` : "";
  const read = `reading: ${rows.toLocaleString("en")} rows, ${(bytes / 1e6).toFixed(1)}${share} MB`;
  if (past.seconds < WINDOW / 2 || past.bytes === 0) return read;
  const each = past.seconds / past.bytes;
  const left = known ? `, about ${durationText(each * (totalBytes - bytes))} left` : "";
  const speed = `${(past.rows / past.seconds / 1e6).toFixed(2)} M rows/s, ${(1 / each / 1e6).toFixed(0)} MB/s`;
  return `${read}, ${speed}${left}`;
}

function epochLine(event: Extract<Progress, { stage: "epoch" }>): string {
  const {
    training,
    refit,
    round = "epoch",
    epoch,
    epochs,
    trainLoss,
    validLoss,
    auc,
    vectorNorm,
    rowsPerSecond,
    best,
  } = event;
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
  return `${of}${refit ? "refit " : ""}${round} ${epoch}/${epochs}: train loss ${trainLoss.toFixed(5)}${valid}${metric}${ranking.join("")}${bestOfRanking}${norm}, ${speed}`;
}

/** Formats how long a training still takes: a duration if its last epoch is known, else its stopping condition. */
function epochsLeft(): (event: Extract<Progress, { stage: "epoch" }>) => string {
  let recent: number[] = [];
  return ({ round = "epoch", epoch, epochs, seconds, stopsIn }) => {
    // the first epoch is slower, because the code is not optimized yet
    if (epoch <= 2) recent = [];
    recent = [...recent, seconds].slice(-RECENT);
    const each = recent.reduce((sum, x) => sum + x, 0) / recent.length;
    if (epoch >= epochs || stopsIn === 0) return "finishing the training";
    const now = `${round} ${epoch + 1} of ${stopsIn === undefined ? "" : "at most "}${epochs}, ${durationText(each)} each`;
    if (stopsIn === undefined && epoch === 1) return now;
    if (stopsIn === undefined) return `${now}, about ${durationText(each * (epochs - epoch))} left`;
    return `${now}; stops after ${stopsIn} more validation${stopsIn === 1 ? "" : "s"} without improvement`;
  };
}

function trainingLeft({ done, of, secondsLeft }: Extract<Progress, { stage: "training" }>): string {
  const left = secondsLeft === undefined || done === of ? "" : `, about ${durationText(secondsLeft)} left`;
  return `${done} of ${of} trainings${left}`;
}

/** Formats a duration: `0.8 s`, `42 s`, `3 min`, `2.5 h`. */
function durationText(seconds: number): string {
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  if (seconds < 90) return `${Math.round(seconds)} s`;
  return seconds < 5400 ? `${Math.round(seconds / 60)} min` : `${(seconds / 3600).toFixed(1)} h`;
}
