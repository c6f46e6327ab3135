// Reports the outcome of a run of a pipeline: last-run.json in its work directory, and metrics for a node exporter.
//
// Only reports contain times of day, for whoever monitors the job; results do not.

import type { ReadingStep } from "../../dataset/dataset.js";
import { join } from "node:path";
import type { GateOutcome } from "../../table/gate-file.js";
import { EmbedError } from "../../base/errors.js";
import { writeFileAtomic } from "../../base/io/atomic.js";
import { version } from "../../base/io/package-version.js";
import { pathExists, readArtifact } from "../../base/io/read-artifact.js";
import type { LogChanges } from "./log.js";
import type { Publication } from "../store/store.js";

const LAST_RUN_FILE = "last-run.json";

export type RunOutcome = "published" | "unchanged" | "failed" | "interrupted";

/** The outcome of a step of a pipeline. */
export interface StepReport {
  step: string;
  /** outcome of the step; `planned` in a dry run */
  outcome: "done" | "skipped" | "failed" | "planned";
  /** the reason why the step ran or was skipped, or its result */
  text: string;
  seconds: number;
  rows?: number;
  /** steps of reading of the rows that were encoded, or that gates checked */
  reading?: ReadingStep[];
}

export interface PipelineReport {
  schemaVersion: 1;
  command: "run";
  /** version of the program that ran */
  version: string;
  pipeline: string;
  file: string;
  /** time in ISO 8601 */
  started: string;
  seconds: number;
  outcome: RunOutcome;
  exitCode: number;
  /** message of the error that ended the run */
  error?: string;
  /**
   * comparison of the log's files with those of the latest version; absent if the run ended before the files were read
   */
  log?: LogChanges;
  /** warnings of the training's steps */
  warnings: string[];
  steps: StepReport[];
  /** outcomes of the gates that ran, by training */
  gates: Record<string, GateOutcome[]>;
  /** metrics of the trainings that ran, by training and split */
  metrics: Record<string, Record<string, object>>;
  published: Publication[];
}

export function newReport(pipeline: string, file: string, now: Date): PipelineReport {
  return {
    schemaVersion: 1,
    command: "run",
    version,
    pipeline,
    file,
    started: now.toISOString(),
    seconds: 0,
    outcome: "unchanged",
    exitCode: 0,
    warnings: [],
    steps: [],
    gates: {},
    metrics: {},
    published: [],
  };
}

/** Returns the exit code of an error; after an interrupt, this is the code of its signal. */
export function exitCodeOf(error: unknown): number {
  if (error instanceof EmbedError) return error.exitCode;
  const code =
    typeof error === "object" && error !== null && "exitCode" in error ? error.exitCode : undefined;
  return typeof code === "number" ? code : 70;
}

/** Writes last-run.json. @returns its path @throws {OutputError} {IoError} */
export async function writeReport(work: string, report: PipelineReport): Promise<string> {
  const path = join(work, LAST_RUN_FILE);
  await writeFileAtomic(path, [Buffer.from(`${JSON.stringify(report, undefined, 2)}\n`)], true);
  return path;
}

/** Keeps the time of the last success after a failure. @param now seconds since 1970 @throws {OutputError} {IoError} */
export async function writeMetrics(path: string, report: PipelineReport, now: number): Promise<void> {
  const before = (await pathExists(path)) ? Buffer.from(await readArtifact(path)).toString("utf8") : "";
  const own = new RegExp(`^${LAST_SUCCESS}\\{pipeline="${escaped(report.pipeline)}"\\} ([0-9.]+)$`, "m");
  const last = report.exitCode === 0 ? now : own.exec(before)?.[1];
  await writeFileAtomic(path, [Buffer.from(prometheusText(report, now, last))], true);
}

const LAST_SUCCESS = "embed_pipeline_last_success_timestamp_seconds";

type Sample = [labels: Record<string, string>, value: number | string];

/** @param lastSuccess seconds since 1970; undefined if no run has succeeded */
function prometheusText(
  report: PipelineReport,
  now: number,
  lastSuccess: number | string | undefined,
): string {
  const all: [name: string, help: string, samples: Sample[]][] = [
    ["embed_pipeline_last_run_timestamp_seconds", "When the last run ended.", [[{}, now]]],
    [LAST_SUCCESS, "When a run last ended with 0.", lastSuccess === undefined ? [] : [[{}, lastSuccess]]],
    ["embed_pipeline_exit_code", "Of the last run.", [[{}, report.exitCode]]],
    ["embed_pipeline_duration_seconds", "Of the last run.", [[{}, report.seconds]]],
    [
      "embed_pipeline_published",
      "1 where the last run published a version.",
      [[{}, Number(report.published.length > 0)]],
    ],
    [
      "embed_pipeline_version",
      "Number of the version that the last run published.",
      report.published.map(({ name, version: number }): Sample => [{ name }, Number(number)]),
    ],
    [
      "embed_pipeline_log_files",
      "Files of the log, and how many of them are new, changed or gone since the latest version.",
      logSamples(report),
    ],
    [
      "embed_pipeline_step_duration_seconds",
      "Of each step of the last run; 0 of one that was skipped.",
      report.steps.map(({ step, outcome, seconds }): Sample => [{ step, outcome }, seconds]),
    ],
    [
      "embed_pipeline_step_rows",
      "Rows that a step read or wrote.",
      report.steps.flatMap(({ step, rows }): Sample[] => (rows === undefined ? [] : [[{ step }, rows]])),
    ],
    ["embed_pipeline_metric", "Metrics of the trainings of the last run, by part.", metricSamples(report)],
    [
      "embed_pipeline_gate_passed",
      "1 of a gate that passed, 0 of one that failed, NaN of one that had no earlier value to compare with.",
      gateSamples(report, ({ status }) => (status === "notCompared" ? "NaN" : Number(status === "passed"))),
    ],
    [
      "embed_pipeline_gate_value",
      "What a gate measured.",
      gateSamples(report, ({ value }) => value ?? "NaN"),
    ],
  ];
  return all
    .filter(([, , samples]) => samples.length > 0)
    .map(([name, help, samples]) => {
      const lines = samples.map(([labels, value]) => {
        const reported = Object.entries({ pipeline: report.pipeline, ...labels });
        return `${name}{${reported.map(([label, text]) => `${label}="${escaped(text)}"`).join(",")}} ${value}\n`;
      });
      return `# HELP ${name} ${help}\n# TYPE ${name} gauge\n${lines.join("")}`;
    })
    .join("");
}

function logSamples({ log }: PipelineReport): Sample[] {
  if (!log) return [];
  const { files, new: added, changed, gone } = log;
  const counts = { all: files, new: added.length, changed: changed.length, gone: gone.length };
  return Object.entries(counts).map(([kind, count]): Sample => [{ kind }, count]);
}

function metricSamples({ metrics }: PipelineReport): Sample[] {
  return Object.entries(metrics).flatMap(([training, parts]) =>
    Object.entries(parts).flatMap(([part, values]) =>
      Object.entries(values).flatMap(([metric, value]): Sample[] =>
        typeof value === "number" ? [[{ training, part, metric }, value]] : [],
      ),
    ),
  );
}

/** One sample per gate and bound, because Prometheus rejects two samples with the same labels. */
function gateSamples({ gates }: PipelineReport, valueOf: (gate: GateOutcome) => number | string): Sample[] {
  return Object.entries(gates).flatMap(([training, outcomes]) =>
    outcomes
      .filter(({ bound }) => bound !== "none")
      .map((each): Sample => [{ training, gate: each.gate, bound: each.bound }, valueOf(each)]),
  );
}

function escaped(text: string): string {
  return text.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
}
