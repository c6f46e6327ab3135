// How a run states what it was made by: preprocess.json for servers, and every option as it was used.

import { resolve } from "node:path";
import type { Dataset } from "../../dataset/dataset.js";
import { userLimitsOf, type UserLimits } from "../../dataset/filters/heavy-users.js";
import { recipesOf, type Preprocess } from "../../dataset/vocabulary/preprocess.js";
import { parseSide } from "../../dataset/side.js";
import { testVectors } from "../../dataset/test-vectors.js";
import type { FeatureSpace } from "../../dataset/vocabulary/vocabulary.js";
import { cellReadingOf, keptReading } from "../../log/log.js";
import type { ExampleOptions } from "../options/example-options.js";
import type { Examples } from "../examples/examples.js";
import { labels, vocabulary } from "../options/features.js";
import { log, type GivenTraining } from "../options/log.js";
import { decisive, type OptionTable } from "../options/table.js";
import type { ReadAsTrained } from "../reading/read-as-trained.js";

/** How rows of a log become rows of features. */
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
 * How rows of a log become events, of a model that has no examples with labels.
 *
 * @param dataset as it was read
 * @param roles   of the dataset that the vocabulary was fitted on
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
    reading,
    ...others
  }: Pick<ExampleOptions, "reading" | "sides" | "drop" | "where" | "timeFormat" | "timeFields" | "timeZone"> &
    Pick<ExampleOptions, "positiveFrom" | "eventWeight"> &
    UserLimits,
  { hashKeys, roles: { positives } }: Pick<Dataset, "hashKeys" | "roles">,
): Omit<ReadAsTrained, "roles"> & Pick<Preprocess, "positiveFrom" | "eventWeight"> {
  return {
    // of positive events alone nothing is a label; roles say which rows they are
    positiveFrom: positives ? null : (positiveFrom ?? null),
    // evaluate may run in another folder
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

/** The side table by its absolute path. */
function absoluteSide(text: string): string {
  const { path, key, sideKey } = parseSide(text);
  return `${resolve(path)}:${key}=${sideKey}`;
}

/**
 * Every option as it was used; what the manifest and --json state.
 *
 * @param options of reading, cutting and making examples
 * @param own the trainer's, with their defaults
 */
export function resolvedOptions(
  paths: readonly string[],
  {
    reading,
    unlabelled: _,
    infer: __,
    maxMemory: ___,
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
