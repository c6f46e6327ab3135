// `embed encode`: log → encoded dataset directory, which every command takes in the log's place.

import { streamRows } from "../dataset/build.js";
import type { EncodedColumn, ShapingOptions } from "../dataset/encoded/description.js";
import { ownDataset } from "../dataset/encoded/own-dataset.js";
import { isEncodedDataset } from "../dataset/encoded/read.js";
import { writeDataset } from "../dataset/encoded/write.js";
import { streamHashed, type OpenSink } from "../dataset/hashed-rows.js";
import { UsageError } from "../errors.js";
import { checkOutput } from "../io/atomic.js";
import { keyedHashFrom } from "../io/key-file.js";
import { version } from "../io/package-version.js";
import { keptReading } from "../log/log.js";
import { collectWarnings, type Watch } from "../training/watch.js";
import { filteredColumns, hidingText, withLog, type DatasetOptions } from "../training/read-dataset.js";
import type { Summary } from "../training/summary.js";

export interface EncodeOptions extends Omit<DatasetOptions, "infer" | "unlabelled"> {
  out: string;
  force: boolean;
}

/** What --json prints. */
export interface EncodeSummary extends Summary {
  columns: EncodedColumn[];
}

/**
 * Encodes one or several files as one dataset, whole or not at all. Rows go to disk as they come: memory is that of the
 * distinct values and of some batches.
 *
 * @throws {EmbedError} as the stages do; nothing is written then
 */
export async function encode(
  paths: readonly string[],
  { out, force, ...options }: EncodeOptions,
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
  const read = () =>
    withLog(
      paths,
      { ...options, infer: true, unlabelled: false, hidesText: hash !== undefined },
      collecting,
      (log, sides, build, observe) => {
        const stream = (open: OpenSink) => streamRows(log, sides, build, open, observe);
        const rows = (open: OpenSink) => (hashing ? streamHashed(hashing, stream, open) : stream(open));
        return writeDataset(out, force, shaping, rows, watch.signal);
      },
    );
  const { numRows, columns } = await (hash ? hidingText(read) : read());
  return {
    command: "encode",
    version,
    out,
    seconds: (performance.now() - start) / 1000,
    rows: numRows,
    options: { log: paths, ...shaping },
    metrics: {},
    warnings,
    columns,
  };
}

/** What decides the dataset's bytes and may be given: threads and what becomes of bad rows do not, a secret's file may not. */
function shapingOf({
  onBadRow: _,
  maxBad: __,
  badRows: ___,
  hashKeys: _hashKeys,
  hashKeysOf: _hashKeysOf,
  reading,
  ...columns
}: Omit<EncodeOptions, "out" | "force">): ShapingOptions {
  return { ...columns, reading: keptReading(reading) };
}
