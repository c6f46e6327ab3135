// How progress looks: a spinner on a terminal; elsewhere one plain line an epoch, or JSON objects.

import type { Ora } from "ora";
import type { Observe, Progress } from "../api/progress.js";
import { writeLine } from "./terminal.js";

export interface OutputOptions {
  json?: boolean;
  quiet?: boolean;
  verbose?: boolean;
  progress?: boolean;
  color?: boolean;
  logFormat?: "text" | "json";
}

/** Shows what a command tells; `stop` it before the result is printed. */
export interface Display {
  observe: Observe;
  stop(): void;
}

/** The display that the options and the terminal call for. */
export async function displayFor(options: OutputOptions): Promise<Display> {
  if (options.quiet) return { observe: () => undefined, stop: () => undefined };
  if (options.logFormat === "json") {
    return {
      observe: (progress) => isEvent(progress) && writeLine(JSON.stringify(progress)),
      stop: () => undefined,
    };
  }
  const plain = options.progress === false || !process.stderr.isTTY || process.env["TERM"] === "dumb";
  return plain ? plainDisplay() : await spinner(options);
}

/** Readings are reported many times a second: off a terminal they are left out. */
function isEvent({ stage }: Progress): boolean {
  return stage !== "reading";
}

function plainDisplay(): Display {
  return { observe: (progress) => isEvent(progress) && writeLine(lineOf(progress)), stop: () => undefined };
}

async function spinner(options: OutputOptions): Promise<Display> {
  const { default: ora } = await import("ora");
  const coloured = options.color !== false && !process.env["NO_COLOR"];
  const shown: Ora = ora({ stream: process.stderr, ...(coloured ? {} : { color: false as never }) }).start(
    "reading",
  );
  return {
    observe(progress) {
      if (progress.stage === "reading" || progress.stage === "epoch") shown.text = lineOf(progress);
      if (progress.stage === "reading") return;
      shown.clear();
      writeLine(lineOf(progress));
      shown.render();
    },
    stop: () => shown.stop(),
  };
}

function lineOf(progress: Progress): string {
  switch (progress.stage) {
    case "reading": {
      const { rows, bytes, totalBytes } = progress;
      const share = totalBytes ? `, ${Math.floor((100 * bytes) / totalBytes)} %` : "";
      return `reading: ${rows.toLocaleString("en")} rows, ${(bytes / 1e6).toFixed(1)} MB${share}`;
    }
    case "epoch": {
      const { epoch, epochs, trainLoss, validLoss, rowsPerSecond, best } = progress;
      const valid =
        validLoss === undefined ? "" : `, valid loss ${validLoss.toFixed(5)}${best ? " (best so far)" : ""}`;
      const speed = `${(rowsPerSecond / 1e6).toFixed(2)} M rows/s`;
      return `epoch ${epoch}/${epochs}: train loss ${trainLoss.toFixed(5)}${valid}, ${speed}`;
    }
    case "warning":
      return `warning: ${progress.text}`;
    default:
      return progress.text;
  }
}
