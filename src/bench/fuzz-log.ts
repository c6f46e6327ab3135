// `npm run bench -- fuzz-log --cases 20000`: reads damaged logs. Every case must end with the right number of rows, or
// with an expected error.

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { EmbedError } from "../base/errors.js";
import { buildDataset } from "../dataset/build.js";
import { readSide } from "../dataset/side.js";
import type { Log } from "../log/log.js";
import { openLog } from "../log/open.js";
import { fuzzCase, type FuzzCase } from "./fuzz-cases.js";
import { fuzz, type Ending } from "./fuzz-children.js";

/** Runs the bench: each case reads one damaged log. */
export async function bench(): Promise<void> {
  await fuzz(
    { bench: "fuzz-log", cases: 20_000, megabytes: 1024, nameOf: (i) => fuzzCase(i).name },
    (folder) => Promise.resolve((index) => endOf(fuzzCase(index), folder)),
  );
}

async function endOf(fuzz: FuzzCase, folder: string): Promise<Ending> {
  const path = join(folder, fuzz.file);
  writeFileSync(path, fuzz.bytes);
  try {
    const log = await openLog([path], fuzz.options, { chunkBytes: 1 << 12, localBytes: 1 << 30 });
    if (fuzz.as === "side table") return await endOfSide(log, path);
    if (fuzz.as === "dataset") return await endOfDataset(log, fuzz);
    let numRows = 0;
    const read = await log.read(
      log.columns.map((name) => ({ name, as: "key" as const })),
      (batch) => {
        numRows += batch.numRows;
      },
    );
    const skipped = Object.values(read.skipped).reduce((sum, count) => sum + count, 0);
    if (numRows !== read.numRows)
      return { failure: `batches hold ${numRows} rows, the result says ${read.numRows}` };
    if (fuzz.numRows !== undefined && numRows + skipped !== fuzz.numRows)
      return { failure: `expected ${fuzz.numRows} rows, got ${numRows} and ${skipped} left out` };
    return { end: "rows" };
  } catch (error) {
    if (error instanceof EmbedError) return { end: error.name };
    return { failure: String(error instanceof Error ? error.stack : error).slice(0, 600) };
  }
}

/** Reads a side table whose key is its first column, and whose number of keys must equal its number of rows. */
async function endOfSide(log: Log, path: string): Promise<Ending> {
  const [key] = log.columns;
  const { keys, columns } = await readSide(log, path, key!, key!);
  const other = columns.find(({ codes }) => codes.length !== keys.size);
  return other
    ? { failure: `${keys.size} keys, and ${other.codes.length} rows of '${other.name}'` }
    : { end: "side table" };
}

/** Reads the file as a dataset, with inferred roles of its columns. */
async function endOfDataset(log: Log, { numRows, options }: FuzzCase): Promise<Ending> {
  const { onBadRow, multi = {}, ignore = [] } = options;
  // keeps options whose columns exist, because a missing column would be an error of the options and not of the log
  const reported = {
    multi: Object.fromEntries(Object.entries(multi).filter(([name]) => log.columns.includes(name))),
    ignore: ignore.filter((name) => log.columns.includes(name)),
  };
  const { dataset, skipped } = await buildDataset(log, [], {
    ...reported,
    numeric: [],
    filters: [],
    infer: true,
    unlabelled: false,
    onBadRow,
  });
  const bad = Object.values(skipped).reduce((sum, count) => sum + count, 0);
  if (numRows !== undefined && dataset.numRows + bad !== numRows)
    return { failure: `expected ${numRows} rows, the dataset has ${dataset.numRows}, ${bad} left out` };
  return { end: "dataset" };
}
