// The options that every training on a log takes, and what becomes of them.

import type { ExampleOptions } from "./example-options.js";
import { badRowsOf } from "../reading/bad-row-report.js";
import { columns, columnsOf, hashedIds } from "./columns.js";
import type { labels, vocabulary } from "./features.js";
import { events, split } from "./parts.js";
import { definedOf } from "./defined.js";
import { badRows, engine, reading, firstReadingOf } from "./reading.js";
import type { engineTraining, memory, threads } from "./reading.js";
import type { Given } from "./table.js";
import type { output, weekly } from "./weekly.js";

/** How a log is read and cut. */
export const log = {
  ...columns,
  ...hashedIds,
  ...reading,
  ...engine,
  ...badRows,
  ...events,
  ...split,
} as const;

/** Options of reading, cutting and writing that most trainings are given. */
export const everyday = [
  ...(["user", "item", "time", "fields", "numeric", "valid", "test", "split"] as const),
  ...(["threads", "out", "force"] as const),
] as const;

/** What a training may be given beside its own options; a trainer names the tables that it takes. */
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
 * The same as reading, splitting and the making of examples take them.
 *
 * @param unlabelled the log has no labels, and none is to be found in it
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
    ...columnsOf(onlyColumns(given)),
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
