// Finds the latest time of each key in a log, from which --expire computes the age of keys that later logs lack.

import { MISSING } from "../../log/keys.js";
import { timeColumn, type Column, type Dataset, type KeyColumn, type NumberColumn } from "../dataset.js";
import { spanMilliseconds } from "../filters/event-limits.js";
import { allSlices, numbersOf } from "../stored-columns.js";
import { columnOf, idsOf, type FeatureSpace } from "./vocabulary.js";
import { UsageError } from "../../base/errors.js";

/** Time that stands for keys that do not occur in the log. */
export const NEVER = -Infinity;

/**
 * Returns the newest time of each feature over all rows of a log, in any split.
 *
 * @param isThere tells whether the log has a field, because another log may lack some
 * @returns f64[numFeatures]: milliseconds since 1970, 0 for every key of a log without times, NEVER for features
 * without rows
 */
export function newestTimes(
  space: FeatureSpace,
  dataset: Dataset,
  isThere: (field: string) => boolean = () => true,
): Float64Array {
  const time = timeColumn(dataset);
  const newest = new Float64Array(space.numFeatures).fill(NEVER);
  const see = (feature: number, at: number) => (newest[feature] = Math.max(newest[feature]!, at));
  space.fields.forEach((field, f) => {
    if (!isThere(field.name)) return;
    const column = columnOf(dataset, field);
    const offset = space.offsets[f]!;
    const slices = allSlices(time ? [column, time] : [column], dataset.numRows);
    const timeOf = (times: Column | undefined, row: number) =>
      times ? (times as NumberColumn).values[row]! : 0;
    if (column.kind === "number" || field.kind === "number") {
      for (const [[slice, times]] of slices)
        (slice as NumberColumn).values.forEach((value, row) => {
          if (!Number.isNaN(value)) see(offset, timeOf(times, row));
        });
      return;
    }
    // computes the newest time of each code first, so that codes, and not rows, are mapped to features
    const ofCode = new Float64Array(
      column.kind === "key" ? column.dictionary.size : column.indptr.length - 1,
    ).fill(NEVER);
    for (const [[slice, times]] of slices)
      (slice as KeyColumn).codes.forEach((code, row) => {
        const at = timeOf(times, row);
        if (code !== MISSING && !(at <= ofCode[code]!)) ofCode[code] = at;
      });
    const ids = idsOf(field, column.dictionary);
    ofCode.forEach((at, code) => {
      if (column.kind === "key") see(offset + ids[code]!, at);
      else
        for (let j = column.indptr[code]!; j < column.indptr[code + 1]!; j++)
          see(offset + ids[column.values[j]!]!, at);
    });
  });
  return newest;
}

/** Returns the time of a log's newest event; undefined if the log has no times. */
export function newestEvent(dataset: Dataset): number | undefined {
  const column = timeColumn(dataset);
  if (!column) return undefined;
  let newest = NEVER;
  for (const [times] of numbersOf(column, dataset.numRows))
    for (const time of times) newest = Math.max(newest, time);
  return newest;
}

/** Whether a key has expired. @param lastSeen ms; undefined without times @param missed consecutive logs without it */
export type Expiry = (lastSeen: number | undefined, missed: number) => boolean;

/**
 * Returns when keys expire by --expire.
 *
 *   8w   by time: the key's last event is older than 8 weeks before the log's newest event (units h, d, w; never the
 *        clock's time)
 *   8    by trainings: this is the eighth consecutive log without it
 *
 * @param text   undefined: nothing expires
 * @param newest the time of the log's newest event; undefined if it has none
 * @throws {UsageError} neither a span nor a number of trainings, or a span for a log without times
 */
export function expiryOf(text: string | undefined, newest: number | undefined): Expiry {
  if (text === undefined) return () => false;
  if (/^[1-9]\d*$/u.test(text)) return (_, missed) => missed >= Number(text);
  const span = spanMilliseconds(text);
  if (span === undefined || span === 0) {
    throw new UsageError(
      `--expire expects a duration such as 8w (h, d, w), or a number of trainings such as 8, got '${text}'`,
    );
  }
  if (newest === undefined) {
    throw new UsageError(
      `--expire ${text} needs a time column: name it with --time, or use a number of trainings, such as ` +
        "--expire 8",
    );
  }
  const oldest = newest - span;
  // keys of unknown time do not expire; their age starts at the first log with times that contains them
  return (lastSeen) => lastSeen !== undefined && lastSeen < oldest;
}
