// `embed encode`: writes a log as an encoded dataset, a directory that all commands accept in place of the log.

import { streamRows } from "../dataset/build.js";
import { userLimitFlags, userLimitsOf } from "../dataset/filters/heavy-users.js";
import type { EncodedColumn, ShapingOptions } from "../dataset/encoded/description.js";
import { ownDataset, writeDataset } from "../dataset/encoded/write.js";
import { isEncodedDataset } from "../dataset/encoded/read.js";
import { streamHashed, type OpenSink } from "../dataset/hash-keys.js";
import { UsageError } from "../base/errors.js";
import { checkOutput } from "../base/io/atomic.js";
import { keyedHashFrom } from "../base/io/key-file.js";
import { version } from "../base/io/package-version.js";
import { keptReading } from "../log/log.js";
import { collectWarnings, type Watch } from "../training/session/watch.js";
import {
  filteredColumns,
  hidingText,
  withLog,
  type DatasetOptions,
} from "../training/reading/read-dataset.js";
import { columns, columnReadingOptions } from "../training/shared-options/columns.js";
import { firstReadingOf } from "../training/shared-options/reading.js";
import { badRowsOf } from "../training/reading/bad-row-report.js";
import type { EncodeOptions } from "./options.js";
import type { Summary } from "../training/session/summary.js";

export interface EncodedAs extends Omit<DatasetOptions, "infer" | "unlabelled"> {
  out: string;
  force: boolean;
}

/** Summary of an encoding; --json prints it. */
export interface EncodeSummary extends Summary {
  columns: EncodedColumn[];
}

/** Encodes a log as `embed encode` does. @throws {EmbedError} as encodeWith */
export async function encode(
  paths: readonly string[],
  given: EncodeOptions,
  watch: Watch,
): Promise<EncodeSummary> {
  const { out, force = false, onBadRow = "error", hashKeys, hashKeysOf } = given;
  const named = Object.fromEntries(Object.entries(given).filter(([name]) => Object.hasOwn(columns, name)));
  const how = {
    ...columnReadingOptions(named),
    onBadRow,
    reading: firstReadingOf(given),
    ...badRowsOf(given),
  };
  return await encodeWith(paths, { ...how, hashKeys, hashKeysOf, out, force }, watch);
}

/**
 * Encodes one or several files as one dataset, which is complete or absent. Rows are written as they are read, so
 * memory holds the distinct values and a few batches.
 *
 * @throws {EmbedError} the errors of reading and writing; the output is absent then
 */
export async function encodeWith(
  paths: readonly string[],
  { out, force, ...options }: EncodedAs,
  watch: Watch,
): Promise<EncodeSummary> {
  const start = performance.now();
  await checkOutput(out, force, "directory", ownDataset);
  for (const path of paths) {
    if (await isEncodedDataset(path)) throw new UsageError(`'${path}' is already an encoded dataset`);
  }
  const { hashKeys, hashKeysOf: named } = options;
  const hash = hashKeys === undefined ? undefined : await keyedHashFrom(hashKeys);
  const hashing = hash && { hash, named, filters: filteredColumns(options) };
  const shaping = shapingOf(options);
  const { watch: collecting, warnings } = collectWarnings(watch);
  const reading = { ...options, infer: true, unlabelled: false, hidesText: hash !== undefined };
  const read = async () => {
    const limits = userLimitsOf(options);
    const isLimited = userLimitFlags(limits).length > 0;
    return await withLog(paths, reading, collecting, (log, sides, build, observe) => {
      const how = isLimited ? { ...build, userLimits: { ...limits, out } } : build;
      const stream = (open: OpenSink) => streamRows(log, sides, how, open, observe);
      const rows = (open: OpenSink) => (hashing ? streamHashed(hashing, stream, open) : stream(open));
      return writeDataset(out, force, shaping, rows, watch.signal);
    });
  };
  const { numRows, columns, steps } = await hidingText(hash !== undefined, read);
  return {
    command: "encode",
    version,
    out,
    seconds: (performance.now() - start) / 1000,
    rows: numRows,
    steps,
    options: { log: paths, ...shaping },
    metrics: {},
    warnings,
    columns,
  };
}

/** Returns the options to record in the dataset: those that affect its bytes, without the hash secret's path. */
function shapingOf({
  onBadRow: _,
  maxBad: __,
  badRows: ___,
  hashKeys: _hashKeys,
  hashKeysOf: _hashKeysOf,
  reading,
  ...columns
}: Omit<EncodedAs, "out" | "force">): ShapingOptions {
  return { ...columns, reading: keptReading(reading) };
}
