// `embed run`: the weekly job, from a log to published versions.
//
//   file ──► plan ──► under the pipeline's lock: encode, gate, train, align, gate, lists, gate, export
//                     ──► every publication ──► copies and servers
//
// Nothing is published before every training has passed its gates. The lock of a name is held only while it is
// published, so that `embed rollback` works while a training runs.

import { join } from "node:path";
import { collectWarnings, type Watch } from "../../training/session/watch.js";
import { readEncoded } from "../../dataset/encoded/read.js";
import type { GateOutcome } from "../../table/gate-file.js";
import { openRun } from "../../table/run-directory.js";
import { GateError, LockedError } from "../../base/errors.js";
import { serverUrl } from "../../export/servers/server.js";
import { newestOf } from "../gates/gate.js";
import { daysAfter, type Day } from "../gates/row-digests.js";
import { withLock } from "../../base/io/lock.js";
import { version } from "../../base/io/package-version.js";
import { pathExists } from "../../base/io/read-artifact.js";
import { makeDirectory } from "../../base/io/tree.js";
import { readPipeline, type Pipeline } from "./file.js";
import type { RunOptions } from "./options.js";
import { changesLine } from "./log.js";
import type { ListSend } from "./exports.js";
import {
  planPipeline,
  stepsOf,
  workDirectory,
  type PipelinePlan,
  type RecallStep,
  type Step,
  type TrainingPlan,
} from "./plan.js";
import {
  acceptCommand,
  isLasting,
  refusalsIn,
  refusalsOf,
  refusedText,
  suspectsIn,
  withAccepted,
  writeRefusals,
  type Refusal,
  type RefusedRows,
} from "./refusals.js";
import { exitCodeOf, newReport, writeMetrics, writeReport, type PipelineReport } from "./report.js";
import {
  afterStep,
  alignStep,
  beforeStep,
  copyStep,
  encodeStep,
  exportStep,
  isCopied,
  listsStep,
  publishStep,
  recallStep,
  sendListsStep,
  sendStep,
  trainStep,
  type StepResult,
} from "./steps.js";
import { makeWorkFolder, sweepOutputs } from "../store/work-folder.js";

export interface RunPipelineOptions extends RunOptions {
  /** called when the run ends, with the path of its last-run.json if that could be written */
  onEnd?: ((report: PipelineReport, path: string | undefined) => void) | undefined;
}

const LOCK = ".lock";

/** Returns the plan for `embed run --dry-run`. */
export async function dryRunPipeline(
  file: string,
  options: RunOptions,
  watch: Watch,
): Promise<PipelineReport> {
  const pipeline = await readPipeline(file);
  const plan = await planPipeline(pipeline, options, watch.signal);
  const refused = openRefusals(plan, []);
  const why = "the server is asked whether it has the rows";
  const labels = [...pipeline.sends.map(({ label }) => label), ...listSends(plan).map(({ label }) => label)];
  const sends = labels.map((label) => ({ id: `send ${label}`, runs: true, why }));
  const steps = [plan.encode, ...plan.trainings.flatMap(stepsOf), ...sends];
  const { watch: collecting, warnings } = collectWarnings(watch);
  const report = { ...newReport(pipeline.name, file, new Date()), warnings };
  tellLog(plan, report, collecting);
  if (refused.length > 0)
    collecting.observe({ stage: "warning", text: `would fail: ${stillRefused(refused, pipeline.file)}` });
  report.steps = steps.map(({ id, runs, why }) => ({
    step: id,
    outcome: runs ? "planned" : "skipped",
    text: why,
    seconds: 0,
  }));
  return report;
}

/**
 * Runs a pipeline, or continues an earlier run of it that was killed.
 *
 * @returns the report, also if nothing had changed
 * @throws {ConfigError} the file is not valid
 * @throws {LockedError} another run of it is active
 * @throws {GateError} a gate failed, or the log has rows that gates have refused: nothing is published
 * @throws {EmbedError} as its steps do
 */
export async function runPipeline(
  file: string,
  { force = false, accept, wait: waitMs = 0, metricsFile, onEnd }: RunPipelineOptions,
  given: Watch,
): Promise<PipelineReport> {
  const start = performance.now();
  const pipeline = await readPipeline(file);
  const { watch, warnings } = collectWarnings(given);
  const report = { ...newReport(pipeline.name, file, new Date()), warnings };
  const { name, started: time } = { name: pipeline.name, started: report.started };
  watch.observe({ stage: "start", pipeline: name, text: `${name}: started by embed ${version}`, time });
  const work = workDirectory(pipeline);
  const note = (text: string) => watch.observe({ stage: "note", text });
  let failure: unknown;
  try {
    await makeWorkFolder(pipeline.store, pipeline.name);
    await withLock(join(work, LOCK), { waitMs, signal: watch.signal, observe: note }, async () => {
      // the outcome is reported while the lock is held, so that last-run.json always belongs to the run that holds it
      try {
        await new PipelineRun(pipeline, report, { force, accept, waitMs }, watch).run(work);
        report.outcome = report.published.length > 0 ? "published" : "unchanged";
      } catch (error) {
        failure = error;
        failed(report, error, watch.signal);
      }
      report.seconds = (performance.now() - start) / 1000;
      await finish(report, work, metricsFile, onEnd, watch);
    });
  } catch (error) {
    if (failure !== undefined) throw failure;
    failed(report, error, watch.signal);
    if (!(error instanceof LockedError) && metricsFile !== undefined)
      await writeMetrics(metricsFile, report, Date.now() / 1000).catch(() => undefined);
    onEnd?.(report, undefined);
    end(report, watch);
    throw error;
  }
  if (failure !== undefined) throw failure;
  return report;
}

/** Each server that receives lists, with the step that makes them and the server's name in messages. */
function listSends({ trainings }: PipelinePlan): { label: string; step: RecallStep; send: ListSend }[] {
  return trainings.flatMap(({ recalls }) =>
    recalls.flatMap((step) =>
      step.export.sends.map((send) => ({ label: `${send.format} ${send.into}`, step, send })),
    ),
  );
}

function tellLog({ changes, warnings }: PipelinePlan, report: PipelineReport, { observe }: Watch): void {
  report.log = changes;
  observe({ stage: "note", text: changesLine(changes) });
  for (const text of warnings) observe({ stage: "warning", text });
}

function failed(report: PipelineReport, error: unknown, signal: AbortSignal): void {
  const why = signal.aborted ? signal.reason : error;
  report.exitCode = exitCodeOf(why);
  report.outcome = signal.aborted ? "interrupted" : "failed";
  report.error = why instanceof Error ? why.message : String(why);
}

async function finish(
  report: PipelineReport,
  work: string,
  metricsFile: string | undefined,
  onEnd: RunPipelineOptions["onEnd"],
  watch: Watch,
): Promise<void> {
  // an error in writing the report, such as a full disk, must not replace the error that the run failed with
  const tell = (error: unknown) =>
    watch.observe({ stage: "warning", text: error instanceof Error ? error.message : String(error) });
  const path = await writeReport(work, report).catch((error: unknown) => {
    tell(error);
    return undefined;
  });
  if (metricsFile !== undefined) await writeMetrics(metricsFile, report, Date.now() / 1000).catch(tell);
  onEnd?.(report, path);
  end(report, watch);
}

function end({ pipeline, outcome, exitCode, published, seconds }: PipelineReport, { observe }: Watch): void {
  const names = published.map(({ name, version: number }) => `${name} ${number}`).join(", ");
  const what =
    outcome === "published"
      ? `published ${names}`
      : exitCode === 0
        ? outcome
        : `${outcome}, exit ${exitCode}`;
  const text = `${pipeline}: ${what} in ${seconds.toFixed(1)} s`;
  observe({ stage: "end", pipeline, outcome, exitCode, text, time: new Date().toISOString(), seconds });
}

/** Refusals of rows that are in the log and that nobody has accepted. */
function openRefusals({ refusals, logged }: PipelinePlan, days: readonly Day[]): Refusal[] {
  const open = refusals.filter((refusal) => !refusal.accepted && isLasting(refusal));
  return refusalsIn(open, logged, days);
}

function stillRefused(refused: readonly Refusal[], file: string): string {
  return (
    `gates have refused rows that are still in the log:\n  ${refusedText(refused)}\n` +
    whatToDo(refused, file)
  );
}

function whatToDo(refused: readonly Refusal[], file: string): string {
  return (
    "what to do: correct or remove these rows and run the command again, or accept them if they are right: " +
    acceptCommand(refused, file)
  );
}

/** @throws {GateError} rows are refused */
function checkRefused(refused: readonly Refusal[], { file }: Pipeline): void {
  if (refused.length > 0) throw new GateError(stillRefused(refused, file));
}

/** Returns the days of the log that are new to a version that the trainings are compared with. */
async function newDays({ encode, trainings }: PipelinePlan): Promise<Day[]> {
  const times: number[] = [];
  for (const { compared } of trainings) {
    if (compared && (await pathExists(compared.path)))
      times.push((await newestOf(await openRun(compared.path))) ?? Infinity);
  }
  const after = Math.min(...times);
  return Number.isFinite(after) ? daysAfter(await readEncoded(encode.output, 0), after) : [];
}

class PipelineRun {
  /** rows that may be at fault if a gate fails */
  #suspects: RefusedRows = { files: [], days: [] };
  #accepted: readonly Refusal[] = [];

  constructor(
    private readonly pipeline: Pipeline,
    private readonly report: PipelineReport,
    private readonly options: Pick<RunOptions, "accept"> & { force: boolean; waitMs: number },
    private readonly watch: Watch,
  ) {}

  async run(work: string): Promise<void> {
    const [pipeline, watch, { force, waitMs }] = [this.pipeline, this.watch, this.options];
    // checks the URLs of the servers first, because a failure after training would lose hours
    for (const { given, variable } of pipeline.sends) serverUrl(String(given["format"]), variable);
    for (const { sends } of pipeline.recalls)
      for (const { format, variable } of sends) serverUrl(format, variable);
    const plan = await planPipeline(pipeline, this.options, watch.signal);
    tellLog(plan, this.report, watch);
    await sweep(work, plan);
    if ((this.options.accept ?? []).length > 0) await writeRefusals(work, plan.refusals);
    checkRefused(openRefusals(plan, []), pipeline);
    await this.#step(plan.encode, () => encodeStep(pipeline, plan, force, watch));
    const days = plan.refusals.length === 0 ? [] : await newDays(plan);
    checkRefused(openRefusals(plan, days), pipeline);
    this.#suspects = suspectsIn(plan.logged, plan.changes, days);
    this.#accepted = refusalsIn(
      plan.refusals.filter(({ accepted }) => accepted),
      plan.logged,
      days,
    );
    try {
      await this.#train(plan, work);
    } catch (error) {
      if (!(error instanceof GateError)) throw error;
      throw await this.#refused(error, plan, work);
    }
    const versions = await this.#publish(plan.trainings, waitMs);
    for (const { training, exports, recalls } of plan.trainings) {
      for (const each of [...exports, ...recalls]) {
        const version = versions.get(training.name)!;
        if (each.export.to === undefined || (await isCopied(version, each))) continue;
        const copy = { id: `copy ${each.export.out}`, runs: true, why: "" };
        await this.#step(copy, () => copyStep(version, each, watch));
      }
    }
    for (const each of pipeline.sends) {
      const send = { id: `send ${each.label}`, runs: true, why: "" };
      await this.#step(send, () => sendStep(versions.get(each.train)!, each, force, watch));
    }
    for (const { label, step, send } of listSends(plan)) {
      const version = versions.get(step.export.train)!;
      const work = () => sendListsStep(version, step, send, force, watch);
      await this.#step({ id: `send ${label}`, runs: true, why: "" }, work);
    }
  }

  /** Trains, and makes what is published. */
  async #train(plan: PipelinePlan, work: string): Promise<void> {
    const [pipeline, watch, { force }] = [this.pipeline, this.watch, this.options];
    const dataset = plan.encode.output;
    for (const each of plan.trainings) {
      await makeDirectory(join(work, each.training.name));
      const tell = this.#checked(each.training.name, plan);
      await this.#step(each.before, () => beforeStep(pipeline, each, dataset, tell, watch));
    }
    for (const each of plan.trainings) {
      const { name } = each.training;
      const trained = await this.#step(each.train, () => trainStep(each, dataset, force, watch));
      if (trained?.metrics) this.report.metrics = { ...this.report.metrics, [name]: trained.metrics };
      await this.#step(each.align, () => alignStep(each, force, watch));
      await this.#step(each.after, () => afterStep(pipeline, each, this.#checked(name, plan), watch));
    }
    for (const each of plan.trainings) {
      const tell = this.#checked(each.training.name, plan);
      for (const one of each.recalls) {
        await this.#step(one, () => recallStep(each, one, watch));
        await this.#step(one.gate, () => listsStep(pipeline, each, one, tell, watch));
      }
    }
    for (const each of plan.trainings) {
      for (const one of each.exports) await this.#step(one, () => exportStep(each, one, watch));
    }
  }

  /**
   * Publishes the last training around all others, so that every version is written before the first link is moved.
   *
   * @returns paths of the latest versions by name
   */
  async #publish(trainings: TrainingPlan[], waitMs: number): Promise<Map<string, string>> {
    const last = trainings.at(-1);
    let versions = new Map<string, string>();
    if (last === undefined) return versions;
    const others = async () => void (versions = await this.#publish(trainings.slice(0, -1), waitMs));
    if (!last.publish.runs) await others();
    const work = () => publishStep(this.pipeline, last, waitMs, this.watch, others);
    const done = await this.#step(last.publish, work);
    if (done) this.report.published.push(done.published);
    const version = done?.published ?? last.latest;
    return version ? versions.set(last.training.name, version.path) : versions;
  }

  /** @returns undefined for a step that the plan skips */
  async #step<T extends StepResult>(
    { id, runs, why }: Pick<Step, "id" | "runs" | "why">,
    work: () => Promise<T>,
  ): Promise<T | undefined> {
    const { signal } = this.watch;
    signal.throwIfAborted();
    if (!runs) {
      this.#tell(id, "skipped", `skipped: ${why}`, 0);
      return undefined;
    }
    const start = performance.now();
    const seconds = () => (performance.now() - start) / 1000;
    try {
      const result = await work();
      this.#tell(id, "done", result.text, seconds(), result);
      return result;
    } catch (error) {
      this.#tell(id, "failed", "failed", seconds());
      throw error;
    }
  }

  #tell(
    step: string,
    outcome: "done" | "skipped" | "failed",
    text: string,
    seconds: number,
    { rows, reading }: Omit<StepResult, "text"> = {},
  ): void {
    this.report.steps.push({ step, outcome, text, seconds, rows, reading });
    const took = outcome === "skipped" ? "" : ` (${seconds.toFixed(1)} s)`;
    this.watch.observe({ stage: "step", step, outcome, text: `${step}: ${text}${took}`, seconds });
  }

  /** Returns a function that adds outcomes to the report, with those that a person has accepted. */
  #checked(name: string, plan: PipelinePlan): (outcomes: GateOutcome[]) => GateOutcome[] {
    const own = this.#accepted.filter(({ training }) => training === name);
    const names = new Map(plan.logs.map(({ path }, i) => [path, plan.logged[i]!.path]));
    return (measured) => {
      const named = measured.map(({ groups, ...each }) => ({
        ...each,
        ...(groups && { groups: groups.map((group) => names.get(group) ?? group) }),
      }));
      const outcomes = withAccepted(named, own, this.#suspects, plan.leavesOut);
      const { gates } = this.report;
      const before = Object.hasOwn(gates, name) ? gates[name]! : [];
      this.report.gates = { ...gates, [name]: [...before, ...outcomes] };
      return outcomes;
    };
  }

  /** Records the rows that gates have refused. @returns the error, with what to do about them */
  async #refused(error: GateError, plan: PipelinePlan, work: string): Promise<GateError> {
    // without an earlier version, no rows of the log are new
    const { since } = plan.changes;
    if (since === null) return error;
    const days = await newDays(plan);
    const suspects = suspectsIn(plan.logged, plan.changes, days);
    const refused = Object.entries(this.report.gates).flatMap(([name, outcomes]) =>
      refusalsOf(name, outcomes, suspects, { files: plan.logged, days }, { bounds: this.pipeline, since }),
    );
    if (refused.length === 0) return error;
    await writeRefusals(work, [...plan.refusals, ...refused]);
    // the advice for these rows replaces that for any log
    const [failed] = error.message.split("\nwhat to do: ");
    return new GateError(
      `${failed}\nrefused until they change:\n  ${refusedText(refused)}\n` +
        whatToDo(refused, this.pipeline.file),
    );
  }
}

/** Removes outputs of other logs and options, and files of killed writers. */
async function sweep(work: string, plan: PipelinePlan): Promise<void> {
  const wanted = new Set([plan.encode, ...plan.trainings.flatMap(stepsOf)].map(({ output }) => output));
  const keeps = (path: string) =>
    [...wanted].some((output) => output === path || output.startsWith(`${path}/`)) ||
    (path.endsWith(".checkpoint") && wanted.has(path.slice(0, -".checkpoint".length)));
  const names = plan.trainings.map(({ training: { name } }) => name);
  await sweepOutputs(work, names, keeps);
}
