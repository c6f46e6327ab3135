// The commands that a pipeline's steps are, as its file tells of them: which flags are keys of which section, what a pipeline adds
// where the file is silent, and the function of api/ that each step calls: its modules are read when the step runs.

import type { EncodeSummary } from "../api/encode.js";
import type { ExportSummary } from "../api/export/export.js";
import type { Watch } from "../training/watch.js";
import type { PartMetrics, Summary } from "../training/summary.js";
import type { Setting } from "../config/config-file.js";
import { EXPORT_KEYS, type PipelineSettings, type Told } from "../config/pipeline.js";
import { addEncodeFlags, encodeOf, type EncodeFlags } from "../flags/encode.js";
import { addExportFlags, exportOf, type ExportFlags } from "../flags/export.js";
import { flagsFromFile, settingsOf, type AddFlags } from "../flags/from-file.js";
import { addTrainFmFlags, trainFmOf, type TrainFmFlags } from "../flags/train-fm.js";
import { addTrainGbdtFlags, trainGbdtOf, type TrainGbdtFlags } from "../flags/train-gbdt.js";
import { addTrainNetFlags, trainNetOf, type TrainNetFlags } from "../flags/train-net.js";
import { addTrainPcaFlags, trainPcaOf, type TrainPcaFlags } from "../flags/train-pca.js";

/** Throws what is wrong with a key. */
export type Fail = (name: string, message: string) => never;

/** A training of a pipeline. */
interface TrainingCommand {
  add: AddFlags;
  /** checks the flags and trains on the dataset; without `watch`, checks alone */
  run: (
    flags: Record<string, unknown>,
    dataset: string,
    watch?: Watch,
  ) => Promise<Summary<PartMetrics | object> | undefined>;
  /** epochs or trees between two checkpoints */
  checkpointEvery?: number;
  /** whether --refit can go with what the file says; nothing of it is served when absent */
  canRefit?: (told: Told) => boolean;
}

/** What is held out of this log, so that a refit can take it back in. */
function holdsOut({ valid, test }: Told): boolean {
  return [valid, test].some((part) => part !== undefined && part !== 0);
}

// a flag object is what commander gives: the declared flags, each with its parser's type
const trainings: Record<string, TrainingCommand> = {
  "train-fm": {
    add: addTrainFmFlags,
    async run(flags, dataset, watch) {
      const options = await trainFmOf(flags as unknown as TrainFmFlags);
      if (!watch) return undefined;
      const { trainFm } = await import("../trainers/fm/command.js");
      return await trainFm([dataset], options, watch);
    },
    checkpointEvery: 5,
    canRefit: holdsOut,
  },
  "train-gbdt": {
    add: addTrainGbdtFlags,
    async run(flags, dataset, watch) {
      const options = await trainGbdtOf(flags as unknown as TrainGbdtFlags);
      if (!watch) return undefined;
      const { trainGbdt } = await import("../trainers/gbdt/command.js");
      return await trainGbdt([dataset], options, watch);
    },
    checkpointEvery: 20,
    // with --init it means another thing, and folds have seen all rows
    canRefit: (told) => holdsOut(told) && told["init"] === undefined && told["cross-fit"] === undefined,
  },
  "train-net": {
    add: addTrainNetFlags,
    async run(flags, dataset, watch) {
      const options = await trainNetOf(flags as unknown as TrainNetFlags);
      if (!watch) return undefined;
      const { trainNet } = await import("../trainers/net/command.js");
      return await trainNet([dataset], options, watch);
    },
  },
  "train-pca": {
    add: addTrainPcaFlags,
    async run(flags, dataset, watch) {
      const options = await trainPcaOf(flags as unknown as TrainPcaFlags);
      if (!watch) return undefined;
      const { trainPca } = await import("../trainers/pca/command.js");
      return await trainPca([dataset], options, watch);
    },
  },
};

/** What the pipeline itself decides. */
const DECIDED = ["out", "force", "resume", "on-interrupt", "quiet", "json"];

/** Keys that change nothing of a step's bytes. */
export const WITHOUT_EFFECT = ["threads", "max-memory", "checkpoint-every"];

/** Keys of a pipeline file, by section. */
export function pipelineSettings(): PipelineSettings {
  const ofLog = settingsOf(addEncodeFlags).filter(({ name }) => !DECIDED.includes(name));
  const reading = ofLog.filter(({ group }) => group === "Reading:");
  // a training reads the dataset, but may have threads of its own and leave rows out
  const read = reading.map(({ name }) => name).filter((name) => !["threads", "on-bad-row"].includes(name));
  const ofTraining = ({ add }: TrainingCommand) =>
    settingsOf(add).filter(({ name }) => !DECIDED.includes(name) && !read.includes(name));
  return {
    columns: ofLog.filter(({ group }) => group === "Columns:"),
    reading,
    trainings: Object.fromEntries(
      Object.entries(trainings).map(([command, training]) => [command, ofTraining(training)]),
    ),
    export: settingsOf(addExportFlags).filter(({ name }) => ![...DECIDED, ...EXPORT_KEYS].includes(name)),
  };
}

/**
 * What a training of a pipeline is told: the file's options, and where it is silent the newest days too (--refit), last
 * version's rows where they are (--row-order latest), and checkpoints.
 */
export function withDefaults(command: string, told: Told, settings: readonly Setting[]): Told {
  const { checkpointEvery, canRefit } = trainings[command]!;
  const knows = (name: string) => settings.some((setting) => setting.name === name);
  return {
    ...(checkpointEvery !== undefined && { "checkpoint-every": checkpointEvery }),
    ...(knows("row-order") && { "row-order": LATEST_VERSION }),
    ...(canRefit?.(told) && { refit: true }),
    ...told,
  };
}

/** Of --init and --row-order: the version that is the latest when the pipeline starts, or none. */
export const LATEST_VERSION = "latest";
export const NO_VERSION = "none";

/** Words that stand where a path may: two of a pipeline, and where train-net starts. */
export const NO_PATHS: readonly unknown[] = [LATEST_VERSION, NO_VERSION, "random"];

/** Whether the command goes on from its checkpoint. */
export function resumes(command: string): boolean {
  return trainings[command]!.checkpointEvery !== undefined;
}

/** Checks a training's options. @throws what `fail` does @throws {UsageError} they do not go together */
export async function checkTraining(command: string, told: Told, fail: Fail): Promise<void> {
  const { add, run } = trainings[command]!;
  await run(flagsFromFile(add, told, fail), "");
}

/** Trains on a dataset; `told` has the run it writes. @throws {EmbedError} as the command does */
export async function runTraining(
  command: string,
  told: Told,
  dataset: string,
  watch: Watch,
): Promise<Summary<object>> {
  const { add, run } = trainings[command]!;
  const summary = await run(flagsFromFile(add, told, unexpected), dataset, watch);
  return summary!;
}

/** Checks how the log is encoded. @throws what `fail` does @throws {UsageError} options do not go together */
export async function checkEncoding(told: Told, fail: Fail): Promise<void> {
  await encodeOf(flagsFromFile(addEncodeFlags, told, fail) as unknown as EncodeFlags);
}

/** Encodes the log; `told` has the dataset it writes. @throws {EmbedError} as embed encode does */
export async function runEncoding(told: Told, logs: readonly string[], watch: Watch): Promise<EncodeSummary> {
  const flags = flagsFromFile(addEncodeFlags, told, unexpected) as unknown as EncodeFlags;
  const { encode } = await import("../api/encode.js");
  return await encode(logs, await encodeOf(flags), watch);
}

/**
 * Checks an export's options.
 *
 * @returns whether it writes a directory
 * @throws what `fail` does @throws {UsageError} they do not go together
 */
export async function checkExport(told: Told, fail: Fail): Promise<boolean> {
  const options = exportOf(flagsFromFile(addExportFlags, told, fail) as unknown as ExportFlags);
  const { checkTogether } = await import("../api/export/options.js");
  const { formatNamed } = await import("../export/formats.js");
  const format = formatNamed(options.format);
  checkTogether(format, options);
  return format.needsDirectory;
}

/** Writes an export; `told` has its output or its server. @throws {EmbedError} as embed export does */
export async function runExport(told: Told, run: string, { signal, observe }: Watch): Promise<ExportSummary> {
  const flags = flagsFromFile(addExportFlags, told, unexpected) as unknown as ExportFlags;
  const { exportRun } = await import("../api/export/export.js");
  const toStdout = () => Promise.reject(new Error("an export of a pipeline has an output"));
  return await exportRun(run, exportOf(flags), toStdout, signal, (text) => observe({ stage: "note", text }));
}

/** What was checked when the file was read. */
function unexpected(name: string, message: string): never {
  throw new Error(`${name}: ${message}`);
}
