// Describes how a run was made: preprocess.json, which servers read, and all options with defaults applied.

import { resolve, join } from "node:path";
import type { Dataset } from "../../dataset/dataset.js";
import { userLimitsOf, type UserLimits } from "../../dataset/filters/heavy-users.js";
import { recipesOf, type Preprocess } from "../../dataset/vocabulary/preprocess.js";
import { parseSide } from "../../dataset/side.js";
import { testVectors } from "../../dataset/test-vectors.js";
import type { FeatureSpace } from "../../dataset/vocabulary/vocabulary.js";
import { cellReadingOf, keptReading, isRemote } from "../../log/log.js";
import { type ExampleOptions, log, type GivenTraining } from "../shared-options/log.js";
import type { Examples } from "../examples/examples.js";
import { labels, vocabulary } from "../shared-options/features.js";
import { decisive, type OptionTable } from "../../options/table.js";
import type { TrainedAs } from "../reading/open-as-trained.js";
import { DATASET_MARKER } from "../../dataset/encoded/description.js";
import { isEncodedDataset, readDescription } from "../../dataset/encoded/read.js";
import type { TrainingRequest } from "../../table/manifest.js";
import { openRun, type Run } from "../../table/run-directory.js";
import { fingerprintOf, sha256Of, type InputFingerprint } from "../../base/io/fingerprint.js";
import { isCut } from "../shared-options/split-options.js";

export function preprocessOf(
  space: FeatureSpace,
  dataset: Dataset,
  examples: Examples,
  options: Parameters<typeof readingRecipe>[0] & Pick<ExampleOptions, "negatives" | "noise">,
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

/**
 * Describes the conversion of a log's rows to events, for a model without labelled examples.
 *
 * @param dataset the dataset as it was read
 * @param roles roles of the dataset on which the vocabulary was fitted
 */
export function eventPreprocessOf(
  space: FeatureSpace,
  { dataset, roles }: Pick<Dataset, "roles"> & { dataset: Dataset },
  options: Parameters<typeof readingRecipe>[0],
  negatives: Preprocess["negatives"] = null,
): Preprocess {
  return {
    roles,
    task: "implicit",
    fields: recipesOf(space, roles),
    ...readingRecipe(options, dataset),
    labelRange: [0, 1],
    negatives,
    testVectors: testVectors(space, roles),
  };
}

/** Describes the reading of a log and the computation of its labels, for any model. */
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
    reading,
    ...others
  }: Pick<ExampleOptions, "reading" | "sides" | "drop" | "where" | "timeFormat" | "timeFields" | "timeZone"> &
    Pick<ExampleOptions, "positiveFrom" | "eventWeight"> &
    UserLimits,
  { hashKeys, roles: { positives } }: Pick<Dataset, "hashKeys" | "roles">,
): Omit<TrainedAs, "roles" | "fields" | "negatives"> & Pick<Preprocess, "positiveFrom"> {
  return {
    // a log of positive events has no labels; `roles.positives` describes which rows are positive
    positiveFrom: positives ? null : (positiveFrom ?? null),
    // paths are absolute, because `evaluate` may run in another folder
    sides: sides.map(absoluteSide),
    drop,
    timeFormat,
    ...(timeFields?.length && { timeFields: { names: timeFields, zone: timeZone ?? "Z" } }),
    ...(where && where.length > 0 && { where }),
    eventWeight,
    ...userLimitsOf(others),
    hashKeys,
    cells: cellReadingOf(reading),
  };
}

function absoluteSide(text: string): string {
  const { path, key, sideKey } = parseSide(text);
  return `${isRemote(path) ? path : resolve(path)}:${key}=${sideKey}`;
}

/** Returns every option with defaults applied, for the manifest and --json. @param own the trainer's own options */
export function resolvedOptions(
  paths: readonly string[],
  {
    reading,
    unlabelled: _,
    infer: __,
    maxMemory: ___,
    rowMemory: ______,
    wholeFor: ____,
    inSequence: _____,
    edges: _______,
    mayBeEdges: ________,
    ...options
  }: ExampleOptions,
  table: OptionTable,
  given: GivenTraining,
  own: Record<string, unknown>,
): Record<string, unknown> {
  const isTaken = ([name]: [string, unknown]) =>
    Object.hasOwn(table, name) || !(Object.hasOwn(vocabulary, name) || Object.hasOwn(labels, name));
  const others = Object.entries(decisive(table, given)).filter(([name]) => !Object.hasOwn(log, name));
  return {
    log: paths,
    ...Object.fromEntries(Object.entries(options).filter(isTaken)),
    reading: keptReading(reading),
    ...Object.fromEntries(others),
    ...own,
  };
}

/**
 * Describes the request for a training by its options, and fingerprints of all inputs and runs.
 *
 * @param earlier path of the run that --init names
 * @param remote fingerprints of further logs that were read through an engine
 */
export async function askedOf(
  paths: readonly string[],
  given: GivenTraining,
  table: OptionTable,
  inputs: readonly InputFingerprint[],
  earlier: string | undefined,
  remote: readonly InputFingerprint[],
): Promise<TrainingRequest> {
  const isFile = (part: number | string | undefined): part is string =>
    typeof part === "string" && !isCut(part);
  const encoded = await Promise.all(paths.map(isEncodedDataset));
  const log = encoded.some(Boolean) ? await Promise.all(paths.map(namedInput)) : inputs;
  const { candidates } = given as { candidates?: string };
  const parts = [
    ...new Set([
      ...[given.valid, given.test, given.validLike].filter(isFile).filter((path) => !isRemote(path)),
      ...(candidates ? [candidates] : []),
    ]),
  ];
  const runs = [...new Set([earlier, given.rowOrder])].filter((path) => path !== undefined);
  return {
    log: [...paths],
    options: decisive(table, given),
    inputs: [...log, ...remote, ...(await Promise.all(parts.map(namedInput)))],
    ...(await encodedOf(paths[0]!, encoded.some(Boolean))),
    runs: await Promise.all(runs.map(async (path) => ({ path, sha256: contentsOf(await openRun(path)) }))),
  };
}

/** None if ids are hashed: encoding the log again would need the secret, which is not reported. */
async function encodedOf(path: string, isEncoded: boolean): Promise<Pick<TrainingRequest, "encoded">> {
  if (!isEncoded) return {};
  const { inputs, options, hashKeys } = await readDescription(path);
  if (hashKeys) return {};
  const log = inputs.slice(0, inputs.length - options.sides.length).map(({ path: file }) => file);
  return { encoded: { log, options: { ...options } } };
}

/** Returns the fingerprint of an input; for an encoded dataset that of its description, which has the rows' checksums. */
export async function namedInput(path: string): Promise<InputFingerprint> {
  return await fingerprintOf((await isEncodedDataset(path)) ? join(path, DATASET_MARKER) : path);
}

/** Returns a checksum of all files of a run except the manifest, because the manifest contains times of day. */
export function contentsOf({ manifest: { files } }: Run): string {
  const sorted = Object.entries(files)
    .map(([name, { sha256 }]) => `${name} ${sha256}\n`)
    .sort();
  return sha256Of(sorted.join(""));
}
