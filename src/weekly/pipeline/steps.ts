// The steps of a pipeline. The output of a step is complete or absent, under the name given by the plan.

import { basename, dirname, join } from "node:path";
import { checkpointPath } from "../../training/epochs/checkpoint.js";
import { readEncoded } from "../../dataset/encoded/read.js";
import type { ReadingStep } from "../../dataset/dataset.js";
import { stepNotes } from "../../dataset/steps.js";
import type { Summary } from "../../training/session/summary.js";
import type { Progress, Watch } from "../../training/session/watch.js";
import { gateSummary, readGates, type GateOutcome } from "../../table/gate-file.js";
import { GATE_FILE, readPublication } from "../../table/publication.js";
import { IoError, LockedError, UsageError } from "../../base/errors.js";
import { serverUrl } from "../../export/servers/server.js";
import { writeDirectory, writeFileAtomic } from "../../base/io/atomic.js";
import { parseJson } from "../../base/io/json-shape.js";
import { artifactChunks, fingerprintOf, pathExists, readArtifact } from "../../base/io/read-artifact.js";
import { ownFiles } from "../../base/io/replaceable.js";
import { filesOfLog } from "../../log/directory.js";
import { isRemote } from "../../log/log.js";
import { filesBelow, makeDirectory, placeFile, statOf } from "../../base/io/tree.js";
import { alignRun } from "../../use/align.js";
import { fieldChanges } from "./log.js";
import { gateJson, checkGates, gateAfter, gateBefore } from "../gates/gate.js";
import { gateLists, listFactsShape, type ListFacts } from "../gates/gate-lists.js";
import { sendListFile } from "../../use/recall/send-lists.js";
import {
  LATEST,
  namedLatest,
  namePath,
  publishRun,
  withStoreLock,
  type Publication,
} from "../store/store.js";
import { rollbackCommand } from "./compared-version.js";
import { resumes, runEncoding, runExport, runRecall, runTraining } from "./commands.js";
import type { ListSend, PipelineSend } from "./exports.js";
import type { Pipeline } from "./file.js";
import {
  workDirectory,
  type ExportStep,
  type PipelinePlan,
  type RecallStep,
  type TrainingPlan,
} from "./plan.js";
import { EXPORTS_FOLDER, PIPELINE_FILE } from "./version-files.js";

export interface StepResult {
  text: string;
  rows?: number;
  /** steps of reading of the rows that were encoded, or that gates check */
  reading?: ReadingStep[];
  metrics?: Record<string, object>;
}

/** Receives the outcomes of gates, even if one failed, and returns them with those that a person has accepted. */
type Tell = (outcomes: GateOutcome[]) => GateOutcome[];

/** Encodes the log. @throws {IoError} it has changed since it was planned */
export async function encodeStep(
  { encoding, logs: named }: Pipeline,
  { encode, logs }: PipelinePlan,
  force: boolean,
  watch: Watch,
): Promise<StepResult> {
  const given = { ...encoding, out: encode.output, force };
  const planned = logs.map(({ path }) => path);
  // columns in the names of folders are derived from the directory, so the directory is read instead of its files
  const isStated = logs.some(({ partition }) => Object.keys(partition).length > 0);
  const ofEngine = encoding["engine"] !== undefined;
  const { rows, steps: reading } = await runEncoding(
    given,
    isStated || ofEngine ? named : planned,
    quiet(watch),
  );
  // rows that come through an engine were read once when the run was planned, and are read again here
  const done = { text: `${rows.toLocaleString("en")} rows`, rows, reading };
  if (ofEngine) return done;
  const found = (await filesOfLog(named)).files.map(({ path }) => path);
  const other = found.find((path) => !planned.includes(path));
  if (isStated && other !== undefined)
    throw new IoError(
      `'${other}' was added to the log while it was being read: run again when the log is complete`,
    );
  for (const { path, sha256 } of logs) {
    if (!isRemote(path) && (await fingerprintOf(path)).sha256 !== sha256)
      throw new IoError(`log '${path}' changed while it was being read: run again when it is complete`);
  }
  return done;
}

export async function beforeStep(
  pipeline: Pipeline,
  plan: TrainingPlan,
  dataset: string,
  tell: Tell,
  watch: Watch,
): Promise<StepResult> {
  const previous = await previousOf(plan);
  const { base } = plan;
  if (base && (await pathExists(base.path))) {
    for (const text of await fieldChanges(dataset, base.path, base.version))
      watch.observe({ stage: "warning", text: `${plan.training.name}: ${text}` });
  }
  const encoded = await readEncoded(dataset, 0);
  const { steps: reading } = encoded.description;
  for (const text of stepNotes(reading))
    watch.observe({ stage: "note", text: `${plan.training.name}: ${text}` });
  const outcomes = await gateBefore(encoded, pipeline.before, previous, { signal: watch.signal });
  return { ...(await checked(pipeline, plan, outcomes, plan.before.output, tell, watch)), reading };
}

export async function afterStep(
  pipeline: Pipeline,
  plan: TrainingPlan,
  tell: Tell,
  watch: Watch,
): Promise<StepResult> {
  const previous = await previousOf(plan);
  const outcomes = await gateAfter(await runOf(plan), plan.training.bounds, previous, {
    signal: watch.signal,
  });
  return await checked(pipeline, plan, outcomes, plan.after.output, tell, watch);
}

async function checked(
  pipeline: Pipeline,
  plan: TrainingPlan,
  measured: GateOutcome[],
  output: string,
  tell: Tell,
  { signal }: Watch,
): Promise<StepResult> {
  const outcomes = tell(measured);
  const failed = outcomes.filter(({ status }) => status === "failed");
  const bytes = [Buffer.from(gateJson(outcomes))];
  if (failed.length === 0) await writeFileAtomic(output, bytes, true, { signal });
  else {
    // writes the outcomes of the failed gates to a file of their own, so that gate.json of the last success stays
    await writeFileAtomic(failedGates(pipeline, plan), bytes, true, { signal });
  }
  const { name } = plan.training;
  checkGates(
    outcomes,
    plan.compared &&
      `the last version is ${plan.compared.version} of '${name}': if that is the one that is wrong, go back with ` +
        rollbackCommand(join(pipeline.store, name)),
  );
  return { text: gateSummary(outcomes) };
}

function failedGates(pipeline: Pipeline, { training }: TrainingPlan): string {
  return join(workDirectory(pipeline), training.name, GATE_FILE);
}

/** Trains, or resumes from the checkpoint of a killed training. */
export async function trainStep(
  plan: TrainingPlan,
  dataset: string,
  force: boolean,
  watch: Watch,
): Promise<StepResult> {
  const { training, train } = plan;
  const resume = !force && (await resumes(training.command, plan.given));
  const isResumed = resume && (await pathExists(checkpointPath(train.output)));
  const given = { ...plan.given, out: train.output, force, ...(resume && { resume }) };
  const summary = await runTraining(training.command, given, dataset, quiet(watch, training.name));
  const { rows, metrics } = summary;
  const metric = shownMetric(metrics);
  const text = [seenRows(summary), ...(isResumed ? ["resumed from its checkpoint"] : []), ...metric];
  return { text: text.join(", "), rows, metrics };
}

/** Describes how many rows the table was trained on, and why some rows were left out. */
function seenRows({ rows, trainedRows = rows, heldOutRows = 0, options }: Summary<object>): string {
  const [all, some] = [rows.toLocaleString("en"), trainedRows.toLocaleString("en")];
  if (heldOutRows === 0) return `${all} rows${options["refit"] === true ? ", refitted on all" : ""}`;
  return `${some} of ${all} rows, the other ${heldOutRows.toLocaleString("en")} held out of the table (refit: false)`;
}

/** Returns the first metric of the last split other than the training split, such as `valid logLoss 0.4512`. */
function shownMetric(metrics: Record<string, object>): string[] {
  for (const [part, values] of Object.entries(metrics).toReversed()) {
    const loss = Object.entries(values).find(
      ([name, value]) => typeof value === "number" && name !== "calibration",
    );
    if (part !== "train" && loss) return [`${part} ${loss[0]} ${Number(loss[1]).toPrecision(4)}`];
  }
  return [];
}

/** @throws {UsageError} the run cannot be rotated, although the pipeline file requests it */
export async function alignStep(plan: TrainingPlan, force: boolean, { signal }: Watch): Promise<StepResult> {
  const { training, train, align, base } = plan;
  try {
    const { fields } = await alignRun(
      train.output,
      { to: base!.path, out: align.output, force, threads: 1 },
      signal,
    );
    const moved = Object.keys(fields).length;
    return { text: `to version ${base!.version}, ${moved} ${moved === 1 ? "field" : "fields"}` };
  } catch (error) {
    if (!(error instanceof UsageError) || training.align === true) throw error;
    return { text: `not rotated: ${error.message}` };
  }
}

/** Returns the directory of the run that is evaluated, exported and published: the rotated run if there is one. */
async function runOf({ train, align }: TrainingPlan): Promise<string> {
  return (await pathExists(align.output)) ? align.output : train.output;
}

/** Undefined if the earlier run no longer exists. */
async function previousOf({ compared }: TrainingPlan): Promise<string | undefined> {
  return compared && (await pathExists(compared.path)) ? compared.path : undefined;
}

/** File next to the lists, with the measurements that gates check. */
const FACTS_FILE = "facts.json";

export async function recallStep(
  plan: TrainingPlan,
  { file, output, export: { given } }: RecallStep,
  watch: Watch,
): Promise<StepResult> {
  const run = await runOf(plan);
  const { signal, observe } = watch;
  let made: StepResult | undefined;
  const write = async (dir: string): Promise<void> => {
    const out = join(dir, basename(file));
    const { rows, lists, empty, coverage, warnings } = await runRecall({ ...given, out }, run, quiet(watch));
    for (const text of warnings) observe({ stage: "warning", text: `${plan.training.name}: ${text}` });
    const facts: ListFacts = { lists, empty, coverage };
    await writeFileAtomic(join(dir, FACTS_FILE), [Buffer.from(`${JSON.stringify(facts)}\n`)], false, {
      signal,
    });
    made = { text: `${lists.toLocaleString("en")} lists, ${rows.toLocaleString("en")} rows`, rows };
  };
  await writeDirectory(output, true, write, { signal, own: ownFiles("lists", FACTS_FILE, [basename(file)]) });
  return made!;
}

export async function listsStep(
  pipeline: Pipeline,
  plan: TrainingPlan,
  each: RecallStep,
  tell: Tell,
  watch: Watch,
): Promise<StepResult> {
  const { out, given } = each.export;
  const path = join(each.output, FACTS_FILE);
  const facts = parseJson(await readArtifact(path), listFactsShape, path) as ListFacts;
  const previous = await previousOf(plan);
  const outcomes = await gateLists(
    { out, facts, file: each.file, isForItems: given["for"] === "item" },
    plan.training.bounds.lists ?? {},
    previous === undefined ? undefined : { run: previous, file: join(previous, EXPORTS_FOLDER, out) },
    watch.signal,
  );
  return await checked(pipeline, plan, outcomes, each.gate.output, tell, watch);
}

export async function exportStep(plan: TrainingPlan, each: ExportStep, watch: Watch): Promise<StepResult> {
  await makeDirectory(dirname(each.output));
  const given = { ...each.export.given, out: each.output, force: true };
  const { rows } = await runExport(given, await runOf(plan), quiet(watch));
  return { text: `${rows.toLocaleString("en")} rows`, rows };
}

/**
 * @param beforeLink publishes the other trainings when this version is written and before `latest` names it
 * @throws {LockedError} another writer is running, or has published meanwhile
 */
export async function publishStep(
  { store }: Pipeline,
  plan: TrainingPlan,
  waitMs: number,
  { signal, observe }: Watch,
  beforeLink: () => Promise<void>,
): Promise<StepResult & { published: Publication }> {
  const { training, latest, before, after, recalls, exports, publish } = plan;
  const gates: GateOutcome[] = [];
  for (const { output } of [before, after, ...recalls.map(({ gate }) => gate)])
    gates.push(...(await readGates(output)));
  await writeFileAtomic(
    publish.output,
    [Buffer.from(`${JSON.stringify(publish.record, undefined, 2)}\n`)],
    true,
    { signal },
  );
  const gateFile = join(dirname(after.output), `gates-${publish.fingerprint}.json`);
  await writeFileAtomic(gateFile, [Buffer.from(gateJson(gates))], true, { signal });
  const extras = new Map([
    [GATE_FILE, gateFile],
    [PIPELINE_FILE, publish.output],
    ...exports.flatMap(({ export: { out, given }, output }) =>
      ["", ...((given["codes"] ?? given["books"]) === undefined ? [] : [".books"])].map(
        (end) => [join(EXPORTS_FOLDER, out + end), output + end] as const,
      ),
    ),
    ...recalls.map((each) => [join(EXPORTS_FOLDER, each.export.out), each.file] as const),
  ]);
  const run = await runOf(plan);
  const note = (text: string) => observe({ stage: "note", text });
  const published = await withStoreLock(store, training.name, { waitMs, signal, observe: note }, async () => {
    const now = await namedLatest(store, training.name);
    if (now?.version !== latest?.version) {
      const link = join(namePath(store, training.name), LATEST);
      throw new LockedError(
        `'${link}' was changed from ${latest?.version ?? "nothing"} to ${now?.version ?? "nothing"} while ` +
          "this pipeline ran: run it again",
      );
    }
    return await publishRun(run, store, training.name, extras, signal, { beforeLink });
  });
  return { text: published.path, published };
}

/** Returns paths within the export; "" for a single file. */
async function publishedFiles(version: string, out: string): Promise<string[]> {
  const place = `${EXPORTS_FOLDER}/${out}`;
  const { files = {} } = (await readPublication(version)) ?? {};
  return Object.keys(files).flatMap((file) =>
    file === place ? [""] : file.startsWith(`${place}/`) ? [file.slice(place.length + 1)] : [],
  );
}

/** Whether the copy of an export outside the store equals the export in the version. */
export async function isCopied(
  version: string,
  { export: { out, to } }: Pick<ExportStep, "export">,
): Promise<boolean> {
  const from = join(version, EXPORTS_FOLDER, out);
  const inside = await publishedFiles(version, out);
  const there = await statOf(to!);
  if (!there || (there.isDirectory && (await filesBelow(to!)).length !== inside.length)) return false;
  for (const file of inside) {
    const copied = await statOf(join(to!, file));
    if (!copied || copied.isDirectory) return false;
    if ((await fingerprintOf(join(to!, file))).sha256 !== (await fingerprintOf(join(from, file))).sha256)
      return false;
  }
  return true;
}

/** @throws {OutputError} a directory that is not an export exists there */
export async function copyStep(
  version: string,
  { export: { out, to, given } }: Pick<ExportStep, "export">,
  { signal }: Watch,
): Promise<StepResult> {
  const from = join(version, EXPORTS_FOLDER, out);
  if ((await statOf(from))?.isDirectory) {
    const files = await publishedFiles(version, out);
    const copy = async (dir: string): Promise<void> => {
      for (const file of files) await placeFile(join(from, file), join(dir, file));
    };
    const { formatNamed } = await import("../../export/formats.js");
    await writeDirectory(to!, true, copy, { signal, own: formatNamed(String(given["format"])).own });
  } else await writeFileAtomic(to!, artifactChunks(from), true, { signal });
  return { text: to! };
}

/** A server that has these rows already receives nothing. @throws {EmbedError} as embed export does */
export async function sendStep(
  version: string,
  { given }: PipelineSend,
  force: boolean,
  watch: Watch,
): Promise<StepResult> {
  const { rows, unchanged, out } = await runExport({ ...given, force }, version, quiet(watch));
  return { text: unchanged ? `${out} has these rows` : `${rows.toLocaleString("en")} rows to ${out}`, rows };
}

/** A server that has these lists already receives nothing. @throws {EmbedError} as sendLists does */
export async function sendListsStep(
  version: string,
  { export: { out, given } }: RecallStep,
  { format, variable, into }: ListSend,
  force: boolean,
  { signal }: Watch,
): Promise<StepResult> {
  const file = join(version, EXPORTS_FOLDER, out);
  const fingerprint = (await fingerprintOf(file)).sha256.slice(0, 16);
  const target = { format, variable, url: serverUrl(format, variable), into, fingerprint, force, signal };
  const isForItems = given["for"] === "item";
  const { isUnchanged } = await sendListFile(format, { file, isForItems }, target);
  return { text: isUnchanged ? `$${variable} has these lists` : `${out} to $${variable}` };
}

/** Returns an observer that passes progress on, except notes, and adds the name of the training to epochs. */
function quiet({ observe, signal }: Watch, training?: string): Watch {
  const given = (progress: Progress): void => {
    if (progress.stage === "note") return;
    observe(progress.stage === "epoch" && training !== undefined ? { ...progress, training } : progress);
  };
  return { observe: given, signal };
}
