// embed run

import { Option, type Command } from "commander";
import { EmbedError, UsageError } from "../../errors.js";
import { addOutputOptions } from "../../flags/options.js";
import type { PipelineReport } from "../../pipeline/report.js";
import { runHook, type Ending, type HookFlags } from "../hooks.js";
import type { Interrupts } from "../interrupts.js";
import type { RunPipelineOptions } from "../../pipeline/run.js";
import { definedOf } from "../../training/options/defined.js";
import { watched, type Caller, type OutputOptions } from "../progress.js";
import { similarTogether } from "../similar-lines.js";
import { addWaitOption, type WriterFlags } from "../store-options.js";
import { formatTable, writeLine, writeResult } from "../terminal.js";

const examples = `
Examples:
  embed run fixtures/pipeline.yaml --dry-run
  embed run fixtures/pipeline.yaml --metrics-file embed.prom --on-failure 'echo "$EMBED_PIPELINE ended with $EMBED_EXIT_CODE"'
`;

type Flags = OutputOptions &
  WriterFlags &
  HookFlags & { dryRun?: boolean; force?: boolean; metricsFile?: string; printSchema?: boolean };

/** Adds the command. */
export function addRun(program: Command, signal: AbortSignal, interrupts: Interrupts): Command {
  const command = program
    .command("run")
    .description(
      "Runs the steps of a pipeline file: encode, gate, train, align, gate, export, publish. Steps are " +
        "skipped if their inputs, options and the version of embed have not changed. A killed run resumes " +
        "where it stopped.",
    )
    .argument("[pipeline.yaml]", "pipeline file; embed init LOG -o pipeline.yaml writes a first one")
    .addHelpText("before", examples);
  const group = (flags: string, help: string) => new Option(flags, help).helpGroup("Run:");
  command
    .addOption(group("--dry-run", "print which steps would run and why, without writing anything"))
    .addOption(group("--force", "run every step, even if its inputs have not changed"));
  addWaitOption(command);
  const telling = (flags: string, help: string) => new Option(flags, help).helpGroup("Telling:");
  command
    .addOption(
      telling("--metrics-file <file>", "file to write the run's metrics to, in Prometheus text format"),
    )
    .addOption(telling("--on-success <command>", "shell command to run (/bin/sh) after success"))
    .addOption(
      telling(
        "--on-failure <command>",
        "shell command to run (/bin/sh) after a failure (exit code other than 0)",
      ),
    )
    .addOption(telling("--print-schema", "print the JSON schema of pipeline files and exit"));
  return addOutputOptions(command).action(async (file: string | undefined, flags: Flags) => {
    if (flags.printSchema) {
      const { pipelineFileSchema } = await import("../../pipeline/file.js");
      await writeResult(await pipelineFileSchema());
      return;
    }
    if (file === undefined)
      throw new UsageError("embed run needs a pipeline file; embed init LOG -o pipeline.yaml writes one");
    if (flags.dryRun) await dryRun(file, flags, signal);
    else await run(file, flags, interrupts);
  });
}

export async function callRun(
  file: string,
  { dryRun, force = false, wait = 0, metricsFile }: Flags,
  { watch }: Pick<Caller, "watch">,
  onEnd?: RunPipelineOptions["onEnd"],
): Promise<PipelineReport> {
  const { dryRunPipeline, runPipeline } = await import("../../pipeline/run.js");
  if (dryRun) return await dryRunPipeline(file, { force }, watch);
  return await runPipeline(file, { force, waitMs: wait, ...definedOf({ metricsFile, onEnd }) }, watch);
}

async function dryRun(file: string, flags: Flags, signal: AbortSignal): Promise<void> {
  const report = await watched(flags, signal, (watch) => callRun(file, flags, { watch }));
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

async function run(file: string, flags: Flags, interrupts: Interrupts): Promise<void> {
  const { signal } = interrupts;
  const ending: Ending = { exitCode: 0, file };
  const { onSuccess, onFailure } = flags;
  interrupts.hook({
    flags: { onSuccess, onFailure },
    file,
  });
  const onEnd = (report: PipelineReport, manifest: string | undefined): void => {
    Object.assign(ending, { report, manifest });
  };
  try {
    const report = await watched(flags, signal, (watch) => callRun(file, flags, { watch }, onEnd));
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

/** Writes what --quiet has kept back, which may be why a gate failed. */
function writeWarnings({ warnings }: PipelineReport, { logFormat }: Flags): void {
  for (const text of similarTogether(warnings))
    writeLine(logFormat === "json" ? JSON.stringify({ stage: "warning", text }) : `warning: ${text}`);
}
