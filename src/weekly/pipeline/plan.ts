// Plans the steps of a pipeline from its existing outputs: which steps run, which are skipped, and why.
//
//   encode ─┬─ gate before NAME ── train ── align ── gate after ── recall ── gate lists ── export ── publish ── copy
//           └─ the same for each other training
//
// A step's output is in the work directory under a name that contains its fingerprint, complete or absent: its
// existence is the only sign that the step is done. A published version contains pipeline.json: the fingerprint of its
// publication, and the version that it was based on, because a training based on version 3 and published as version 4
// must not be repeated with version 4 as its base.

import { dirname, join } from "node:path";
import { NoInputError } from "../../base/errors.js";
import {
  list,
  number,
  object,
  orNull,
  parseJson,
  record as recordOf,
  text,
  where,
} from "../../base/io/json-shape.js";
import { version } from "../../base/io/package-version.js";
import { pathExists, readArtifact, fingerprintOf } from "../../base/io/read-artifact.js";
import type { YamlOptions } from "./pipeline-schema.js";
import { checkpointPath } from "../../training/epochs/checkpoint.js";
import { baseOf, comparedVersion, passedOverText, type BaseVersion } from "./compared-version.js";
import {
  LATEST_VERSION,
  NO_VERSION,
  optionsThatNeed,
  pipelineSettings,
  resumes,
  engineInputs,
  NO_PATHS,
} from "./commands.js";
import type { PipelineExport, PipelineRecall } from "./exports.js";
import type { Pipeline, PipelineTraining } from "./file.js";
import {
  checkFinished,
  checkLog,
  loggedFiles,
  logChanges,
  logWarnings,
  type LogChanges,
  type LoggedFile,
} from "./log.js";
import { latestVersion, type Publication } from "../store/store.js";
import { acceptRefusals, readRefusals, refusalsIn, standingRefusals, type Refusal } from "./refusals.js";
import type { RunOptions } from "./options.js";
import { shortList } from "../gates/bounds.js";
import { workFolder } from "../store/work-folder.js";
import { EXPORTS_FOLDER, PIPELINE_FILE } from "./version-files.js";
import type { ConfigSetting } from "../../options/config-file.js";
import { DATASET_MARKER } from "../../dataset/encoded/description.js";
import { RUN_MARKER } from "../../table/manifest.js";
import { sha256Of, type InputFingerprint } from "../../base/io/fingerprint.js";
import { statOf } from "../../base/io/tree.js";
import { filesOfLog } from "../../log/directory.js";
import { isRemote, type LogFile } from "../../log/log.js";

// Computes fingerprints of the inputs of steps; a step is skipped if an output with the same fingerprint exists.
//
//   fingerprint   16 hexadecimal digits of the SHA-256 of: version of the program, kind of step, and its parts
//   parts         by name, so that a plan can say which of them changed; parts are based on contents, never on times or
//                 paths

function fingerprintsOf(parts: Readonly<Record<string, unknown>>): Record<string, string> {
  const all = { ...parts, "embed's version": version };
  return Object.fromEntries(Object.entries(all).map(([name, part]) => [name, short(part)]));
}

function short(value: unknown): string {
  return sha256Of(JSON.stringify(value)).slice(0, 16);
}

/** A file of a log, with the columns that its path gives. */
type PipelineLogFile = InputFingerprint & Pick<LogFile, "partition">;

/** The properties of a log that determine results. */
function logPart(files: readonly PipelineLogFile[]): unknown {
  return files.map(({ bytes, sha256, partition }) =>
    Object.keys(partition).length === 0 ? [bytes, sha256] : [bytes, sha256, partition],
  );
}

/**
 * Returns the files of a log with size and checksum, which requires reading each file, and each table or query of an
 * engine, completely.
 *
 * @throws {NoInputError} one does not exist @throws {UsageError} a directory of a run
 * @throws {EmbedError} as engineInputs
 */
async function logFiles(
  patterns: readonly string[],
  encoding: YamlOptions,
  signal: AbortSignal,
): Promise<PipelineLogFile[]> {
  const sides = [encoding["side"] ?? []].flat().map(String).filter(isRemote);
  const ofEngine = encoding["engine"] !== undefined;
  const rows = await engineInputs(encoding, ofEngine ? patterns : [], sides, signal);
  const files: PipelineLogFile[] = rows.map((input) => ({ ...input, partition: {} }));
  if (ofEngine) return files;
  for (const { path, partition } of (await filesOfLog(patterns)).files) {
    signal.throwIfAborted();
    if (!(await statOf(path))) throw new NoInputError(`log '${path}' does not exist`);
    files.push({ path, ...(await fingerprintOf(path)), partition });
  }
  return files;
}

/** The options that determine results; files are represented by their content. */
async function optionsPart(given: YamlOptions, settings: readonly ConfigSetting[]): Promise<unknown> {
  const paths = new Set(settings.filter(({ path }) => path).map(({ name }) => name));
  // the path of an additional output file is kept, because the file is also part of the result
  const idle = new Set(settings.filter(({ noBytes, path }) => noBytes && !path).map(({ name }) => name));
  const part: [string, unknown][] = [];
  for (const name of Object.keys(given).sort()) {
    if (idle.has(name)) continue;
    const value = given[name];
    const values = Array.isArray(value) ? (value as unknown[]) : [value];
    part.push([name, paths.has(name) ? await Promise.all(values.map(contentOf)) : value]);
  }
  return part;
}

/** The content of the file or directory of a path; other values are returned unchanged. */
async function contentOf(value: unknown): Promise<unknown> {
  if (typeof value !== "string" || NO_PATHS.includes(value)) return value;
  for (const path of [value, join(value, RUN_MARKER), join(value, DATASET_MARKER), ...beforeColons(value)]) {
    const found = await statOf(path);
    if (found && !found.isDirectory) return [value.slice(path.length), (await fingerprintOf(path)).sha256];
  }
  return value;
}

/** `items.csv:item_id` may refer to the file items.csv. */
function beforeColons(value: string): string[] {
  const parts = value.split(":");
  return parts.slice(1).map((_, i) => parts.slice(0, parts.length - 1 - i).join(":"));
}

const LISTS_FILE = "lists";

/** The content of pipeline.json. */
export interface PipelineRecord {
  schemaVersion: 1;
  pipeline: string;
  version: string;
  fingerprint: string;
  train: string;
  base: Pick<BaseVersion, "version" | "manifest"> | null;
  /** fingerprint of each input of the version's publication */
  parts: Record<string, string>;
  /** files of the log, with which the next run compares its own log; absent in older versions */
  log?: LoggedFile[];
  /** options of the version's exports that can be written again from the run and its base */
  exports?: RecordedExport[];
}

const versionShape = where(
  "a version such as 000001",
  (value) => typeof value === "string" && /^\d{6,}$/.test(value),
);
const recordShape = object(
  {
    ...{ fingerprint: text, train: text, parts: recordOf(text) },
    base: orNull(object({ version: versionShape, manifest: text })),
  },
  { log: list(object({ path: text, sha256: text })) },
);

/** `delta` in the options names the base version. */
export interface RecordedExport {
  out: string;
  options: YamlOptions;
}

export interface Step {
  id: string;
  fingerprint: string;
  /** the file or directory whose existence shows that the step is done */
  output: string;
  runs: boolean;
  why: string;
}

export type ExportStep = Step & { export: PipelineExport };

/** A step that writes lists. Its output is a directory with the lists, at the path `file`, and their measurements. */
export type RecallStep = Step & { export: PipelineRecall; file: string; gate: Step };

/** The steps that the pipeline takes for one of its trainings, and the versions of a run that they start from. */
export interface TrainingPlan {
  training: PipelineTraining;
  /** options of the training, in which `latest` is replaced by the latest version */
  given: PipelineTraining["given"];
  base: BaseVersion | undefined;
  latest: Publication | undefined;
  /** the version that gates compare with: the base, or an earlier version */
  compared: BaseVersion | undefined;
  /** a sentence about later versions that gates do not compare with; undefined if there are none */
  passedOver: string | undefined;
  before: Step;
  train: Step;
  align: Step;
  after: Step;
  recalls: RecallStep[];
  exports: ExportStep[];
  publish: Step & { record: PipelineRecord };
}

export interface PipelinePlan {
  logs: PipelineLogFile[];
  /** the files of the log as messages name them */
  logged: LoggedFile[];
  /** what gates have refused, in this log or in others */
  refusals: Refusal[];
  /** whether refused files are left out of `logs` */
  leavesOut: boolean;
  changes: LogChanges;
  /** warnings about files of the log, and about versions that do not satisfy today's bounds */
  warnings: string[];
  encode: Step;
  trainings: TrainingPlan[];
}

export function workDirectory({ store, name }: Pipeline): string {
  return workFolder(store, name);
}

/**
 * Plans a run: reads the log and the store, and writes nothing.
 *
 * @param force runs every step
 * @param accept files and days that are accepted, although gates have refused them
 * @throws {NoInputError} a log does not exist @throws {ArtifactError} a latest version is damaged
 * @throws {UsageError} {DataError} as checkLog and acceptRefusals do
 */
export async function planPipeline(
  pipeline: Pipeline,
  { force = false, accept = [] }: Pick<RunOptions, "force" | "accept">,
  signal: AbortSignal,
): Promise<PipelinePlan> {
  const settings = await pipelineSettings();
  const { engine: _, ...encoding } = pipeline.encoding;
  const published = await latestVersion(pipeline.store, pipeline.trainings[0]!.name);
  const known = await readRefusals(workDirectory(pipeline));
  const refusals = acceptRefusals(standingRefusals(known, pipeline, published?.version), accept);
  const found = await logFiles(pipeline.logs, pipeline.encoding, signal);
  const left = leftOut(pipeline, found, refusals);
  const logs = found.filter((file) => !left.includes(file));
  checkLog(
    logs.map(({ path }) => path),
    [pipeline.store, ...[...pipeline.exports, ...pipeline.recalls].flatMap(({ to }) => to ?? [])],
  );
  const work = workDirectory(pipeline);
  const parts = {
    log: logPart(logs),
    "columns or reading": await optionsPart(encoding, [...settings.columns, ...settings.reading]),
  };
  const encode = step(work, "encode", "encode", fingerprintsOf(parts));
  const trainings: TrainingPlan[] = [];
  for (const training of pipeline.trainings) {
    trainings.push(await planTraining(pipeline, training, parts, encode, force));
  }
  // the steps that read the encoded log: gates, trainings, and lists, which exclude the items that a user already has
  const readers = trainings
    .flatMap(({ before, train, recalls }) => [before, train, ...recalls])
    .filter(({ runs }) => runs);
  await decide(encode, force, readers.length > 0, trainings[0]?.publish.why ?? "");
  const logged = loggedFiles(logs, dirname(pipeline.file));
  for (const { publish } of trainings) publish.record.log = logged;
  const [latest] = trainings.flatMap((each) => each.latest ?? []);
  const before = latest && (await readRecord(latest))?.log;
  const changes = logChanges(logged, before, latest?.version ?? null);
  await checkFinished(logs, logged, changes);
  const warnings = [
    ...(left.length === 0
      ? []
      : [
          `left out, because gates have refused ${left.length === 1 ? "it" : "them"}: ${shortList(loggedFiles(left, dirname(pipeline.file)).map(({ path }) => path))}`,
        ]),
    ...logWarnings(logged, changes),
    ...trainings.flatMap(({ training: { name }, passedOver, publish }) =>
      passedOver !== undefined && publish.runs ? [`${name}: ${passedOver}`] : [],
    ),
  ];
  return { logs, logged, refusals, leavesOut: left.length > 0, changes, warnings, encode, trainings };
}

/** Returns the refused files of a log that the pipeline leaves out. Files that an engine or folders name cannot be. */
function leftOut(
  { leavesOut, encoding, file }: Pipeline,
  logs: readonly PipelineLogFile[],
  refusals: readonly Refusal[],
): PipelineLogFile[] {
  const isNamed =
    encoding["engine"] === undefined && logs.every(({ partition }) => Object.keys(partition).length === 0);
  if (!leavesOut || !isNamed) return [];
  const logged = loggedFiles(logs, dirname(file));
  const refused = refusalsIn(
    refusals.filter(({ accepted }) => !accepted),
    logged,
    [],
  ).flatMap(({ files }) => files.map(({ path }) => path));
  const left = logs.filter((_, i) => refused.includes(logged[i]!.path));
  return left.length < logs.length ? left : [];
}

async function planTraining(
  pipeline: Pipeline,
  training: PipelineTraining,
  ofLog: Record<string, unknown>,
  encode: Step,
  force: boolean,
): Promise<TrainingPlan> {
  const latest = await latestVersion(pipeline.store, training.name);
  const record = latest && (await readRecord(latest));
  const now = latest && (await baseOf(latest));
  const known: BaseVersion | undefined = record?.base
    ? { ...record.base, path: join(pipeline.store, training.name, record.base.version) }
    : undefined;
  // plans again the steps that published `latest`, from the version that it was based on: if their inputs have not
  // changed, nothing has to run
  const asPublished = record && (await chain(pipeline, training, ofLog, encode, known, latest));
  if (asPublished && record.fingerprint === asPublished.publish.fingerprint && !force) {
    const unchanged = { runs: false, why: "unchanged" };
    for (const each of stepsOf(asPublished)) Object.assign(each, unchanged);
    // the gate before the training always runs if it bounds the newest event's age, which depends on the day of the run
    if (pipeline.before.newest?.maxAge !== undefined) {
      asPublished.before.runs = true;
      asPublished.before.why = "the newest event's age is measured each time";
    }
    return asPublished;
  }
  // a changed gate or export needs no new training, as long as the inputs of its step exist
  const isSame = record?.train === asPublished?.train.fingerprint && !force;
  const stands = isSame && asPublished && (await canGoOn(asPublished));
  const plan = stands ? asPublished : await chain(pipeline, training, ofLog, encode, now, latest);
  const why = force ? "--force" : whyOf(record, plan.publish.record);
  plan.publish.why = why;
  const dated = pipeline.before.newest?.maxAge !== undefined;
  await decide(plan.before, force || dated, true, why);
  await decide(plan.train, force, true, why);
  if (
    plan.train.runs &&
    (await resumes(training.command, plan.given)) &&
    (await pathExists(checkpointPath(plan.train.output))) &&
    !force
  )
    plan.train.why = "resumes from its checkpoint";
  await decide(plan.align, force, plan.base !== undefined && training.align !== false, why);
  if (!plan.align.runs && plan.align.why === "not needed")
    plan.align.why = training.align === false ? "align: false" : "no version to align to";
  const lists = plan.recalls.flatMap((each) => [each, each.gate]);
  for (const each of [plan.after, ...lists, ...plan.exports]) await decide(each, force, true, why);
  return plan;
}

/** Plans the steps of a training that starts from a base version, without deciding which of the steps run. */
async function chain(
  pipeline: Pipeline,
  training: PipelineTraining,
  ofLog: Record<string, unknown>,
  encode: Step,
  base: BaseVersion | undefined,
  latest: Publication | undefined,
): Promise<TrainingPlan> {
  const settings = await pipelineSettings();
  const { name, command, bounds } = training;
  const work = join(workDirectory(pipeline), name);
  const options = settings.trainings[command]!;
  const { given, goesBy } = resolveLatest(training.given, base);
  // removes options that need --init, because a first version has no earlier model to start from
  if (given["init"] === undefined)
    for (const other of await optionsThatNeed(command, "init")) delete given[other];
  const lastVersion = base?.manifest ?? null;
  const todays = { before: pipeline.before, after: bounds };
  const found = await comparedVersion(pipeline.store, name, base, todays);
  const compared = found.version?.path === base?.path ? base : found.version && (await baseOf(found.version));
  const comparedWith = { "last version": compared?.manifest ?? null };
  const ofTraining = {
    ...ofLog,
    "its options": [command, await optionsPart(training.given, options)],
    ...(goesBy && { "last version": lastVersion }),
  };
  const make = (kind: string, label: string, parts: Record<string, unknown>, file = kind): Step =>
    step(work, file, `${kind} ${label}`, fingerprintsOf(parts));
  const before = make(
    "gate before",
    name,
    { dataset: encode.fingerprint, gates: pipeline.before, ...comparedWith },
    "before",
  );
  const train = make("train", name, ofTraining);
  const ofAlignment = { run: train.fingerprint, align: training.align ?? null, "last version": lastVersion };
  const align = make("align", name, ofAlignment);
  const after = make("gate after", name, { ...ofAlignment, gates: bounds, ...comparedWith }, "after");
  const recalls: RecallStep[] = [];
  for (const each of pipeline.recalls.filter(({ train: of }) => of === name)) {
    const part = [each.out, await optionsPart(each.given, settings.recall)];
    const made = make("recall", each.out, { ...ofAlignment, recall: part });
    const ofGate = { lists: made.fingerprint, gates: bounds.lists ?? null, ...comparedWith };
    const gate = make("gate lists", each.out, ofGate, "lists");
    recalls.push({ ...made, file: join(made.output, LISTS_FILE), export: each, gate });
  }
  const exports: ExportStep[] = [];
  for (const each of pipeline.exports.filter(({ train: of }) => of === name)) {
    const books = base && join(base.path, EXPORTS_FOLDER, `${each.out}.books`);
    const hasBooks = books !== undefined && (await pathExists(books));
    const resolved = resolveLatest(each.given, base, hasBooks ? books : undefined);
    const part = [each.out, await optionsPart(each.given, settings.export)];
    const made = make("export", each.out, { ...ofAlignment, exports: part });
    exports.push({
      ...made,
      output: join(made.output, each.out),
      export: { ...each, given: resolved.given },
    });
  }
  const parts = fingerprintsOf({
    ...ofTraining,
    align: training.align ?? null,
    gates: [pipeline.before, bounds],
    exports: exports.map(({ fingerprint }) => fingerprint),
    ...(recalls.length > 0 && { recall: recalls.map(({ fingerprint }) => fingerprint) }),
  });
  const publish = step(work, "pipeline", `publish ${name}`, parts);
  const record: PipelineRecord = {
    schemaVersion: 1,
    pipeline: pipeline.name,
    version,
    fingerprint: publish.fingerprint,
    train: train.fingerprint,
    base: base ? { version: base.version, manifest: base.manifest } : null,
    parts,
    exports: exports.flatMap((each) => recorded(each.export.out, each.export.given, base)),
  };
  return {
    training,
    given,
    base,
    latest,
    compared,
    passedOver: passedOverText(found, latest?.version, join(pipeline.store, name)),
    before,
    train,
    align,
    after,
    recalls,
    exports,
    publish: { ...publish, record },
  };
}

/**
 * Returns the record of an export. An export that reads an additional file, or writes several, gets none. Options that only report the loss
 * of --dtype are left out, because they change no result.
 */
function recorded(
  out: string,
  { on: _, part: __, ...options }: YamlOptions,
  base: BaseVersion | undefined,
): RecordedExport[] {
  if ((options["keys"] ?? options["codes"] ?? options["books"]) !== undefined) return [];
  if (options["delta"] === undefined) return [{ out, options }];
  // does not record a delta to a run other than the base, because its path may exist on this machine only
  return options["delta"] === base?.path ? [{ out, options: { ...options, delta: LATEST_VERSION } }] : [];
}

/** Whether the outputs of a published training exist, or can be computed again. */
async function canGoOn({ base, train }: TrainingPlan): Promise<boolean> {
  return base ? await pathExists(base.path) : await pathExists(train.output);
}

/** In the order in which they run. */
export function stepsOf({ before, train, align, after, recalls, exports, publish }: TrainingPlan): Step[] {
  const lists = recalls.flatMap((each) => [each, each.gate]);
  return [before, train, align, after, ...lists, ...exports, publish];
}

function step(work: string, file: string, id: string, parts: Record<string, string>): Step {
  // the id is included, because steps of two kinds may have the same inputs
  const fingerprint = short([id, parts]);
  return { id, fingerprint, output: join(work, `${file}-${fingerprint}`), runs: true, why: "" };
}

/** Decides whether a step runs, and states why. @param needed true if a later step needs the output */
async function decide(each: Step, force: boolean, needed: boolean, why: string): Promise<void> {
  const done = await pathExists(each.output);
  each.runs = needed && (force || !done);
  each.why = each.runs ? why : done ? "unchanged" : "not needed";
}

/**
 * Replaces `latest` by the base's path, or removes the option; `goesBy`: whether one had this value.
 *
 * @param books codebooks of the base's export, for `books: latest`
 */
function resolveLatest(
  given: PipelineTraining["given"],
  base: BaseVersion | undefined,
  books?: string,
): { given: PipelineTraining["given"]; goesBy: boolean } {
  const resolved = { ...given };
  let goesBy = false;
  for (const name of ["init", "row-order", "delta", "books"]) {
    if (resolved[name] === NO_VERSION) delete resolved[name];
    if (resolved[name] !== LATEST_VERSION) continue;
    goesBy = true;
    const path = name === "books" ? books : base?.path;
    if (path === undefined) delete resolved[name];
    else resolved[name] = path;
  }
  return { given: resolved, goesBy };
}

/** Undefined if no pipeline published the version. @throws {ArtifactError} damaged */
async function readRecord({ path }: Publication): Promise<PipelineRecord | undefined> {
  const file = join(path, PIPELINE_FILE);
  if (!(await pathExists(file))) return undefined;
  const bytes = await readArtifact(file);
  const remake = "go back to an earlier version with embed rollback";
  const { schemaVersion } = parseJson(
    bytes,
    object({ schemaVersion: number }),
    file,
    remake,
  ) as PipelineRecord;
  return schemaVersion === 1 ? (parseJson(bytes, recordShape, file, remake) as PipelineRecord) : undefined;
}

/** Names the inputs that differ from those of the latest version. */
function whyOf(before: PipelineRecord | undefined, { parts }: PipelineRecord): string {
  if (!before) return "nothing is published yet";
  const names = [...new Set([...Object.keys(parts), ...Object.keys(before.parts)])];
  const changed = names.filter((name) => parts[name] !== before.parts[name]);
  const others = changed.filter((name) => name !== "last version" && name !== "exports");
  const given = others.length > 0 ? others : changed;
  return given.length === 0 ? "last version is another" : `changed: ${given.join(", ")}`;
}
