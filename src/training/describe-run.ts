// How a run states what it was made by: preprocess.json for servers, and every option as it was used.

import { resolve } from "node:path";
import type { Dataset } from "../dataset/dataset.js";
import { recipesOf, type Preprocess } from "../dataset/preprocess.js";
import { parseSide } from "../dataset/side.js";
import { testVectors } from "../dataset/test-vectors.js";
import type { FeatureSpace } from "../dataset/vocabulary.js";
import type { Manifest } from "../embedding/manifest.js";
import { version } from "../io/package-version.js";
import type { FmOptions } from "../trainers/fm/options.js";
import type { Examples } from "./examples.js";
import type { ReadAsTrained } from "./read-as-trained.js";
import type { TrainFmOptions } from "../trainers/fm/asked.js";

/** How rows of a log become rows of features. */
export function preprocessOf(
  space: FeatureSpace,
  dataset: Dataset,
  examples: Examples,
  options: Parameters<typeof readingRecipe>[0] & Pick<TrainFmOptions, "negatives" | "noise">,
  itemFields: string[] | undefined,
): Preprocess {
  const { roles } = dataset;
  const { negatives: perEvent, noise } = options;
  return {
    roles,
    task: examples.task,
    fields: recipesOf(space, roles),
    ...readingRecipe(options, dataset),
    labelRange: examples.labelRange,
    ...((itemFields ?? examples.negatives) && {
      itemFields: itemFields ?? examples.negatives!.itemFields,
    }),
    negatives: examples.negatives ? { perEvent, noise, itemFields: examples.negatives.itemFields } : null,
    testVectors: testVectors(space, roles),
  };
}

/** How a log is read and what its labels are, whatever the model. */
export function readingRecipe(
  {
    positiveFrom,
    sides,
    drop,
    where,
    timeFormat,
    timeFields,
    timeZone,
    eventWeight,
  }: Pick<TrainFmOptions, "sides" | "drop" | "where" | "timeFormat" | "timeFields" | "timeZone"> &
    Pick<TrainFmOptions, "positiveFrom" | "eventWeight">,
  { hashKeys, roles: { positives } }: Pick<Dataset, "hashKeys" | "roles">,
): Omit<ReadAsTrained, "roles"> & Pick<Preprocess, "positiveFrom" | "eventWeight"> {
  return {
    // of positive events alone nothing is a label; roles say which rows they are
    positiveFrom: positives ? null : (positiveFrom ?? null),
    // evaluate may run in another folder
    sides: sides.map(absoluteSide),
    drop,
    ...(timeFormat !== undefined && { timeFormat }),
    ...(timeFields?.length && { timeFields: { names: timeFields, zone: timeZone ?? "Z" } }),
    ...(where && where.length > 0 && { where }),
    ...(eventWeight !== undefined && { eventWeight }),
    ...(hashKeys && { hashKeys }),
  };
}

/** The side table by its absolute path. */
function absoluteSide(text: string): string {
  const { path, key, sideKey } = parseSide(text);
  return `${resolve(path)}:${key}=${sideKey}`;
}

/** Every option as it was used; what the manifest and --json state. */
export function resolvedOptions(
  paths: readonly string[],
  options: TrainFmOptions,
  fm: Partial<FmOptions>,
): Record<string, unknown> {
  const { fm: _, out: __, force: ___, reading, unlabelled: ____, infer: ______, ...others } = options;
  // what changes no byte of the result is none of its options
  const {
    checkpointEvery: _______,
    resume: ________,
    maxMemory: _________,
    wholeFor: __________,
    ...rest
  } = others;
  const { threads: _____, ...readingOptions } = reading;
  return { log: paths, ...rest, reading: readingOptions, ...fm };
}

/** All that decides a training's bytes, by name: a checkpoint is of the training that has the same. */
export function identityOf(
  paths: readonly string[],
  options: TrainFmOptions,
  inputs: Dataset["inputs"],
  init: Pick<Manifest, "files"> | undefined,
): Record<string, unknown> {
  // a default is the version's
  const { threads: _, ...fm } = options.fm;
  const told = resolvedOptions(paths, options, fm);
  return { version, ...told, inputs, ...(init && { "run of --init": init.files }) };
}
