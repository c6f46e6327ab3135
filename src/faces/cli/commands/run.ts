import { EmbedError, UsageError } from "../../../base/errors.js";
import type { TerminalOptions } from "../terminal-options.js";
import { runOptions, type RunOptions } from "../../../weekly/pipeline/options.js";
import type { PipelineReport } from "../../../weekly/pipeline/report.js";
import type { RunPipelineOptions } from "../../../weekly/pipeline/run.js";
import type { Watch } from "../../../training/session/watch.js";
import { commandSpec } from "../command-spec.js";
import { runHook, type JobEnding } from "../hooks.js";
import type { Interrupts } from "../interrupts.js";
import { watched } from "../progress.js";
import { similarTogether } from "../similar-lines.js";
import { formatTable, writeLine, writeResult } from "../terminal.js";

const examples = `
Examples:
  embed run fixtures/pipeline.yaml --dry-run
  embed run fixtures/pipeline.yaml --metrics-file embed.prom --on-failure 'echo "$EMBED_PIPELINE ended with $EMBED_EXIT_CODE"'
`;

export const command = commandSpec({
  description:
    "Runs the steps of a pipeline file: encode, gate, train, align, gate, export, publish. Steps are " +
    "skipped if their inputs, options and the version of embed have not changed. A killed run resumes " +
    "where it stopped.",
  arguments: [["[pipeline.yaml]", "pipeline file; embed init LOG -o pipeline.yaml writes a first one"]],
  examples,
  options: runOptions,
  about: {
    quiet: "print only errors, and warnings if a version was published or an error occurred, for cron",
  },
  // TypeScript callers need neither hooks, which are shell commands, nor the schema, which is a file of the package
  without: ["onSuccess", "onFailure", "printSchema"],
  call: ([file], given, { watch }) => pipelineReport(file, given, watch),
  async act([file], flags, interrupts) {
    if (flags.printSchema) {
      const { pipelineFileSchema } = await import("../../../weekly/pipeline/file.js");
      await writeResult(await pipelineFileSchema());
    } else if (flags.dryRun) await dryRun(file, flags, interrupts.signal);
    else await run(file, flags, interrupts);
  },
});

type Flags = RunOptions & TerminalOptions;

async function pipelineReport(
  file: string | undefined,
  given: RunOptions,
  watch: Watch,
  onEnd?: RunPipelineOptions["onEnd"],
): Promise<PipelineReport> {
  const { dryRunPipeline, runPipeline } = await import("../../../weekly/pipeline/run.js");
  const path = requiredFile(file);
  if (given.dryRun) return await dryRunPipeline(path, given, watch);
  return await runPipeline(path, { ...given, onEnd }, watch);
}

function requiredFile(file: string | undefined): string {
  if (file !== undefined) return file;
  throw new UsageError("embed run needs a pipeline file; embed init LOG -o pipeline.yaml writes one");
}

async function dryRun(file: string | undefined, flags: Flags, signal: AbortSignal): Promise<void> {
  const report = await watched(flags, signal, (watch) => pipelineReport(file, flags, watch));
  if (flags.json) await writeResult(`${JSON.stringify({ ...report, dryRun: true })}\n`);
  else {
    const rows = report.steps.map(({ step, outcome, text }) => [
      step,
      outcome === "planned" ? "run" : "skip",
      text,
    ]);
    await writeResult(formatTable([["step", "", "why"], ...rows]));
  }
}

async function run(given: string | undefined, flags: Flags, interrupts: Interrupts): Promise<void> {
  const file = requiredFile(given);
  const { signal } = interrupts;
  const ending: JobEnding = { exitCode: 0, file };
  const { onSuccess, onFailure } = flags;
  interrupts.hook({
    flags: { onSuccess, onFailure },
    file,
  });
  const onEnd = (report: PipelineReport, manifest: string | undefined): void => {
    Object.assign(ending, { report, manifest });
  };
  try {
    const report = await watched(flags, signal, (watch) => pipelineReport(file, flags, watch, onEnd));
    interrupts.hook(undefined);
    if (flags.quiet && report.outcome === "published") writeWarnings(report, flags);
    await runHook(flags, ending, false);
    if (flags.json) await writeResult(`${JSON.stringify(report)}\n`);
    else if (!flags.quiet) await writeResult(report.published.map(({ path }) => `${path}\n`).join(""));
  } catch (error) {
    if (flags.quiet && ending.report) writeWarnings(ending.report, flags);
    ending.exitCode = ending.report?.exitCode ?? (error instanceof EmbedError ? error.exitCode : 70);
    if (error instanceof Error) ending.error = error.message;
    interrupts.hook(undefined);
    await runHook(flags, ending, signal.aborted);
    throw error;
  }
}

/** Prints the warnings that --quiet has suppressed, which may explain why a gate failed. */
function writeWarnings({ warnings }: PipelineReport, { logFormat }: Flags): void {
  for (const text of similarTogether(warnings))
    writeLine(logFormat === "json" ? JSON.stringify({ stage: "warning", text }) : `warning: ${text}`);
}
