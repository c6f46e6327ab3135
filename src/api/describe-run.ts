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
import type { TrainFmOptions } from "./train-fm-options.js";

/** How rows of a log become rows of features. */
export function preprocessOf(
  space: FeatureSpace,
  { roles }: Dataset,
  examples: Examples,
  options: TrainFmOptions,
  itemFields: string[] | undefined,
): Preprocess {
  const { negatives: perEvent, noise } = options;
  return {
    roles,
    task: examples.task,
    positiveFrom: options.positiveFrom ?? null,
    fields: recipesOf(space, roles),
    // evaluate may run in another folder
    sides: options.sides.map(absoluteSide),
    drop: options.drop,
    ...(options.timeFormat !== undefined && { timeFormat: options.timeFormat }),
    ...(options.timeFields?.length && {
      timeFields: { names: options.timeFields, zone: options.timeZone ?? "Z" },
    }),
    ...(options.where && options.where.length > 0 && { where: options.where }),
    ...(options.eventWeight !== undefined && { eventWeight: options.eventWeight }),
    labelRange: examples.labelRange,
    ...((itemFields ?? examples.negatives) && {
      itemFields: itemFields ?? examples.negatives!.itemFields,
    }),
    negatives: examples.negatives ? { perEvent, noise, itemFields: examples.negatives.itemFields } : null,
    testVectors: testVectors(space, roles),
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
  const { checkpointEvery: _______, resume: ________, maxMemory: _________, ...rest } = others;
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
