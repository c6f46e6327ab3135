// Options that every training on a log has, and their conversion to options for reading, splitting and examples.

import { badRowsOf } from "../reading/bad-row-report.js";
import { columns, columnReadingOptions, hashedIds } from "./columns.js";
import type { labels, vocabulary } from "./features.js";
import { events, split, type SplitFlags } from "./split-options.js";
import { definedOf, type Given } from "../../options/table.js";
import {
  badRows,
  engine,
  reading,
  firstReadingOf,
  type engineTraining,
  type memory,
  type threads,
} from "./reading.js";
import type { output, weekly } from "./weekly.js";
import type { Roles } from "../../dataset/dataset.js";
import type { EventLimits } from "../../dataset/filters/event-limits.js";
import type { EventWeightOptions } from "../../dataset/sequences/event-weights.js";
import type { LabelledTask } from "../../dataset/labels.js";
import type { VocabularyLimits } from "../../dataset/vocabulary/vocabulary-limits.js";
import { UsageError } from "../../base/errors.js";
import type { Noise } from "../../dataset/sampling/noise-distribution.js";
import type { DatasetOptions } from "../reading/read-dataset.js";

/** Options of reading and splitting a log. */
export const log = {
  ...columns,
  ...hashedIds,
  ...reading,
  ...engine,
  ...badRows,
  ...events,
  ...split,
} as const;

/** Names of the options for reading, splitting and writing that --help shows. */
export const everyday = [
  ...(["user", "item", "time", "fields", "numeric", "valid", "test", "split"] as const),
  ...(["threads", "out", "force"] as const),
] as const;

/** Tables of shared options from which each trainer selects. */
export type GivenTraining = Given<
  typeof log &
    typeof vocabulary &
    typeof labels &
    Omit<typeof weekly, "metric"> &
    typeof memory &
    typeof engineTraining &
    typeof threads &
    typeof output
>;

/**
 * Converts the user's options to options for reading, splitting and examples.
 *
 * @param unlabelled true if the task has no label column, so that none is inferred
 */
export function logOptionsOf(given: GivenTraining, { unlabelled }: { unlabelled: boolean }): ExampleOptions {
  const { maxMemory, hashKeys, hashKeysOf } = given;
  const { since, eventWeight, halfLife, maxEventsPerUser, keepEvents } = given;
  const { valid = 0, test = 0, split: by, splitKey, validLike, last, group } = given;
  const { minCount = 1, maxVocab, minUsers, hash, oovDropout, rowOrder } = given;
  const { positiveFrom, negatives = 0, noise = "uniform", itemFields } = given;
  const fromFlags = {
    ...badRowsOf(given),
    maxMemory,
    hashKeys,
    hashKeysOf,
    ...{ since, eventWeight, halfLife, maxEventsPerUser, keepEvents },
    ...{ split: by, splitKey, validLike, last, group },
    ...{ maxVocab, minUsers, hash, oovDropout, rowOrder, positiveFrom, itemFields },
  };
  return {
    ...columnReadingOptions(onlyColumns(given)),
    onBadRow: given.onBadRow ?? reading.onBadRow.default,
    infer: true,
    unlabelled,
    reading: firstReadingOf(given),
    ...{ valid, test, minCount, negatives, noise },
    ...definedOf(fromFlags),
  };
}

function onlyColumns(given: GivenTraining): Given<typeof columns> {
  return Object.fromEntries(Object.entries(given).filter(([name]) => Object.hasOwn(columns, name))) as Given<
    typeof columns
  >;
}

/** Options for reading a log, splitting it and creating examples, which every training on the rows of a log has. */
export interface ExampleOptions
  extends DatasetOptions, VocabularyLimits, EventLimits, EventWeightOptions, SplitFlags {
  /** share of known keys that training replaces by the out-of-vocabulary key, in order to train it; 0 when absent */
  oovDropout?: number;
  /** path of a run whose keys keep their row numbers within each field */
  rowOrder?: string;
  /** task; inferred from the labels when absent */
  task?: LabelledTask;
  positiveFrom?: number;
  /** number of negatives per event, for a log without labels; 0 for a log with labels */
  negatives: number;
  noise: Noise;
  itemFields?: string[];
}

/**
 * Checks that a training that predicts labels has labels or negatives.
 *
 * @param others further advice for a log of positive events, for the message
 * @throws {UsageError} there is neither a label column nor --negatives
 */
export function checkLabels(
  roles: Roles,
  { negatives, positiveFrom, task }: { negatives: number; positiveFrom?: number; task?: string },
  others = "",
): void {
  if (roles.label === undefined && negatives === 0) {
    throw new UsageError(
      "no label column found: name it with --label, or, for a log of positive events, sample negatives with " +
        `--negatives 4${others}`,
    );
  }
  if (task === "regression" && (negatives > 0 || positiveFrom !== undefined)) {
    throw new UsageError(
      `${negatives > 0 ? "--negatives" : "--positive-from"} makes labels 0 and 1 and cannot be combined with ` +
        "--task regression",
    );
  }
}
