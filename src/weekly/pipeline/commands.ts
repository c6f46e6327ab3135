// The commands that steps of a pipeline run: which flags are keys of which section of the file, the defaults that a
// pipeline adds, and the function that each step calls, which is imported when the step runs.

import type { EncodeSummary } from "../../use/encode.js";
import type { ExportSummary } from "../../use/export/export.js";
import { recallOptions } from "../../use/recall/options.js";
import type { RecallSummary } from "../../use/recall/summary.js";
import type { Watch } from "../../training/session/watch.js";
import type { Summary } from "../../training/session/summary.js";
import { flagOf } from "../../base/errors.js";
import { EXPORT_KEYS, RECALL_KEYS, type PipelineSettings, type YamlOptions } from "./pipeline-schema.js";
import { encodeOptions, type EncodeOptions } from "../../use/options.js";
import { exportOptions, type GivenExport } from "../../use/export/options.js";
import { givenFromFile, settingsOf } from "../../options/from-file.js";
import { parseSide } from "../../dataset/side.js";
import type { InputFingerprint } from "../../base/io/fingerprint.js";
import { firstReadingOf } from "../../training/shared-options/reading.js";
import { furtherReading, openLogWith } from "../../training/reading/read-dataset.js";
import { checkGiven } from "../../options/check-given.js";
import type { Option } from "../../options/table.js";
import type { GivenTraining } from "../../training/shared-options/log.js";
import { checkRefit } from "../../training/session/refit.js";
import { train } from "../../training/session/session.js";
import { holdsOutRows } from "../../training/shared-options/split-options.js";
import type { Trainer } from "../../training/session/trainer.js";
import { trainerOf, trainers } from "../../trainers/index.js";

/** Reports an error of a key in the pipeline file by throwing it. */
export type FailKey = (name: string, message: string) => never;

async function checkedTrainer(command: string): Promise<Trainer> {
  return (await trainerOf(command))!;
}

/** Flags that a pipeline sets itself, so that its file must not contain them. */
const DECIDED = [
  ...["out", "force", "resume", "on-interrupt", "quiet", "json"],
  // a pipeline file names the query in `log:` (as sql:FILE), and a pipeline always computes the checksum of its rows
  ...["engine-sql", "engine-hash", "engine-train", "engine-output", "engine-parts"],
];

/** Options that a pipeline passes to the engine which reads its log. */
const ENGINE = ["engine", "engine-order", "engine-slice", "engine-timeout"];

let settings: Promise<PipelineSettings> | undefined;

/** Returns the keys of a pipeline file, by section. They are made once in a process. */
export async function pipelineSettings(): Promise<PipelineSettings> {
  return await (settings ??= makeSettings());
}

async function makeSettings(): Promise<PipelineSettings> {
  const ofLog = settingsOf(encodeOptions).filter(({ name }) => !DECIDED.includes(name));
  const reading = ofLog.filter(({ group, name }) => group === "Reading:" || ENGINE.includes(name));
  // a training reads the encoded dataset, so that options for reading do not apply, except for --threads and
  // --on-bad-row, which the training may set differently
  const read = reading.map(({ name }) => name).filter((name) => !["threads", "on-bad-row"].includes(name));
  const ofTraining = ({ options }: Trainer) =>
    settingsOf(options).filter(({ name }) => !DECIDED.includes(name) && !read.includes(name));
  const all: Trainer[] = [];
  for (const { load } of trainers) all.push((await load()).trainer);
  return {
    columns: ofLog.filter(({ group }) => group === "Columns:"),
    reading,
    trainings: Object.fromEntries(all.map((trainer) => [trainer.command, ofTraining(trainer)])),
    export: settingsOf(exportOptions).filter(({ name }) => ![...DECIDED, ...EXPORT_KEYS].includes(name)),
    recall: settingsOf(recallOptions)
      .filter(({ name }) => ![...DECIDED, ...ENGINE, ...RECALL_KEYS].includes(name))
      .map((setting) => (setting.name === "threads" ? { ...setting, noBytes: true } : setting)),
  };
}

/**
 * Returns the options of a pipeline's training: those in the file and, unless the file sets them, a refit that includes
 * the held-out rows (--refit), the row order of the previous version (--row-order latest), and checkpoints.
 *
 * @throws the errors of `fail`
 */
export async function withDefaults(command: string, given: YamlOptions, fail: FailKey): Promise<YamlOptions> {
  const { checkpointEvery, options } = await checkedTrainer(command);
  const { valid, test, split, refit } = givenFromFile(options, given, fail) as GivenTraining;
  const refits = holdsOutRows({ valid: valid ?? 0, test: test ?? 0, split });
  if (refits && split === "items" && refit === undefined)
    fail(
      "split",
      "items holds out all rows of some items, and a pipeline publishes a table of all rows: remove 'valid', 'test' " +
        "and 'split', or set 'refit: false' to publish a table without the held-out items",
    );
  return {
    "checkpoint-every": checkpointEvery,
    ...("rowOrder" in options && { "row-order": LATEST_VERSION }),
    ...(refits && { refit: true }),
    ...given,
  };
}

/** Returns the options of a training that require a given option, such as `init`, by their names in the file. */
export async function optionsThatNeed(command: string, other: string): Promise<string[]> {
  const { options } = await checkedTrainer(command);
  const names = Object.entries(options).filter(([, option]) => (option as Option).only?.[other] === true);
  return names.map(([name]) => flagOf(name).slice(2));
}

/** Values of --init and --row-order in a pipeline file: the latest version at the start of the pipeline, or none. */
export const LATEST_VERSION = "latest";
export const NO_VERSION = "none";

/** `random` is the random initialization of networks. */
export const NO_PATHS: readonly unknown[] = [LATEST_VERSION, NO_VERSION, "random"];

/** Whether a training can resume from a checkpoint, as every search can. */
export async function resumes(command: string, { search }: YamlOptions): Promise<boolean> {
  return search !== undefined || (await checkedTrainer(command)).checkpointEvery !== undefined;
}

/** Checks a training's options. @throws the errors of `fail` @throws {UsageError} they cannot be combined */
export async function checkTraining(command: string, given: YamlOptions, fail: FailKey): Promise<void> {
  const { options } = await checkedTrainer(command);
  const own = givenFromFile(options, given, fail);
  checkGiven(options, own);
  checkRefit(own);
}

/** Trains on a dataset. @param given includes the path of the output run @throws {EmbedError} as the command does */
export async function runTraining(
  command: string,
  given: YamlOptions,
  dataset: string,
  watch: Watch,
): Promise<Summary<object>> {
  const trainer = await checkedTrainer(command);
  const own = givenFromFile(trainer.options, given, unexpected);
  return await train(trainer, [dataset], own as GivenTraining & { out: string }, watch);
}

/** Checks the options of the encoding. @throws the errors of `fail` @throws {UsageError} options cannot be combined */
export function checkEncoding(given: YamlOptions, fail: FailKey): void {
  checkGiven(encodeOptions, givenFromFile(encodeOptions, given, fail));
}

/**
 * Reads the rows of tables and queries through an engine, to compute their checksums. Returns the checksums of the
 * log's rows, and those of side tables.
 *
 * @param logs none if they are files of this machine
 * @throws {EmbedError} as embed encode does
 */
export async function engineInputs(
  given: YamlOptions,
  logs: readonly string[],
  sides: readonly string[],
  signal: AbortSignal,
): Promise<InputFingerprint[]> {
  const own = givenFromFile(encodeOptions, given, unexpected) as EncodeOptions;
  const reading = { ...firstReadingOf(own), ...(own.ignore && { ignore: own.ignore }) };
  const watch: Watch = { observe: () => undefined, signal };
  const opened = [
    ...(logs.length > 0 ? [() => openLogWith(logs, reading, watch)] : []),
    ...sides.map((side) => {
      const { path, sideKey } = parseSide(side);
      return () => openLogWith([path], furtherReading(reading, path, [sideKey]), watch);
    }),
  ];
  const inputs: InputFingerprint[] = [];
  for (const open of opened) {
    const log = await open();
    try {
      const names = log.columns.filter((name) => own.ignore?.includes(name) !== true);
      const { inputs: found } = await log.read(
        names.map((name) => ({ name, as: "key" })),
        () => signal.throwIfAborted(),
      );
      inputs.push(...found);
    } finally {
      await log.close();
    }
  }
  return inputs;
}

/** Encodes the log. @param given includes the path of the output dataset @throws {EmbedError} as embed encode does */
export async function runEncoding(
  given: YamlOptions,
  logs: readonly string[],
  watch: Watch,
): Promise<EncodeSummary> {
  const own = givenFromFile(encodeOptions, given, unexpected);
  const { encode } = await import("../../use/encode.js");
  return await encode(logs, own as EncodeOptions, watch);
}

/** @returns whether it writes a directory @throws the errors of `fail` @throws {UsageError} wrong combinations */
export async function checkExport(given: YamlOptions, fail: FailKey): Promise<boolean> {
  const options = givenFromFile(exportOptions, given, fail) as GivenExport;
  const { checkTogether } = await import("../../use/export/check-options.js");
  const { formatNamed } = await import("../../export/formats.js");
  const format = formatNamed(options.format);
  checkTogether(format, options);
  return format.needsDirectory;
}

/** Writes an export. @param given includes its output path or its server @throws {EmbedError} as embed export does */
export async function runExport(
  given: YamlOptions,
  run: string,
  { signal, observe }: Watch,
): Promise<ExportSummary> {
  const options = givenFromFile(exportOptions, given, unexpected) as GivenExport;
  const { exportRun } = await import("../../use/export/export.js");
  const toStdout = () => Promise.reject(new Error("an export of a pipeline has an output"));
  return await exportRun(run, options, toStdout, signal, observe);
}

/** @throws the errors of `fail` @throws {UsageError} options cannot be combined */
export async function checkRecall(given: YamlOptions, fail: FailKey): Promise<void> {
  const own = givenFromFile(recallOptions, given, fail);
  checkGiven(recallOptions, own);
  const { requestedLists } = await import("../../use/recall/requested-lists.js");
  requestedLists(own);
}

/** @param given includes the path of the lists' file @throws {EmbedError} as embed recall does */
export async function runRecall(given: YamlOptions, run: string, watch: Watch): Promise<RecallSummary> {
  const own = givenFromFile(recallOptions, given, unexpected);
  const { recall } = await import("../../use/recall/recall.js");
  const toStdout = () => Promise.reject(new Error("lists of a pipeline have a file"));
  return await recall(run, own, toStdout, watch);
}

/** The option was checked when the file was read, so that this is a bug. */
function unexpected(name: string, message: string): never {
  throw new Error(`${name}: ${message}`);
}
