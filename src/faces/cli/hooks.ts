// --on-success and --on-failure: a command of the user, which the shell runs after the job with the outcome in
// environment variables.
//
// Hooks work from cron: they need only /bin/sh, their output goes where this program's goes, and a failing hook is
// reported but does not change the exit code.

import { spawn } from "node:child_process";
import { resolve } from "node:path";
import type { PipelineReport } from "../../weekly/pipeline/report.js";
import { writeError, writeLine } from "./terminal.js";

export interface HookFlags {
  onSuccess?: string;
  onFailure?: string;
}

/** The outcome of a job, as far as it is known. */
export interface JobEnding {
  exitCode: number;
  file: string;
  report?: PipelineReport;
  /** path of last-run.json */
  manifest?: string;
  error?: string;
}

/** Runs the hook for the outcome of the job and waits for its end; after a signal, starts it without waiting. */
export async function runHook(flags: HookFlags, ending: JobEnding, isInterrupted: boolean): Promise<void> {
  const command = ending.exitCode === 0 ? flags.onSuccess : flags.onFailure;
  if (command === undefined) return;
  const flag = ending.exitCode === 0 ? "--on-success" : "--on-failure";
  const child = spawn("/bin/sh", ["-c", command], {
    env: { ...process.env, ...environmentOf(ending, isInterrupted) },
    // a hook's output is not a result of this program, so it goes to standard error
    stdio: ["ignore", 2, 2],
    detached: isInterrupted,
  });
  if (isInterrupted) {
    child.on("error", () => undefined);
    child.unref();
    return;
  }
  await new Promise<void>((resolve) => {
    child.on("error", (error) => {
      writeError(`${flag} failed to start: ${error.message}`);
      resolve();
    });
    child.on("close", (code, signal) => {
      if (code !== 0) writeLine(`warning: ${flag} ended with ${code ?? signal}`);
      resolve();
    });
  });
}

/** Returns the environment variables of a hook; each is a text, which is empty if its value is unknown. */
function environmentOf(
  { exitCode, file, report, manifest, error }: JobEnding,
  isInterrupted: boolean,
): Record<string, string> {
  const published = report?.published ?? [];
  return {
    EMBED_PIPELINE: report?.pipeline ?? "",
    EMBED_PIPELINE_FILE: resolve(file),
    EMBED_OUTCOME: report?.outcome ?? (isInterrupted ? "interrupted" : "failed"),
    EMBED_EXIT_CODE: String(exitCode),
    EMBED_ERROR: error ?? report?.error ?? "",
    EMBED_MANIFEST: manifest === undefined ? "" : resolve(manifest),
    EMBED_PUBLISHED: published.map(({ path }) => resolve(path)).join(":"),
    EMBED_SECONDS: report ? report.seconds.toFixed(3) : "",
  };
}
