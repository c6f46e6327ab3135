// Opening a log with its side tables, and reading it whole.

import { buildDataset, type BuildOptions, type BuiltDataset } from "../dataset/build.js";
import { parseDrop } from "../dataset/filter.js";
import { withHashedKeys, withoutExcerpts, type KeyHashing } from "../dataset/hash-keys.js";
import { parseSide, readSide } from "../dataset/side.js";
import { DataError } from "../errors.js";
import { keyedHashFrom } from "../io/key-file.js";
import type { ReadOptions } from "../log/log.js";
import { openLog } from "../log/open.js";
import type { Watch } from "./progress.js";

export interface DatasetOptions extends Omit<BuildOptions, "drop"> {
  /** COLUMN OPERATOR TEXT: rows that match are left out */
  drop: string[];
  reading: ReadOptions;
  /** FILE:KEY or FILE:KEY=SIDEKEY */
  sides: string[];
  /** a file with a secret: ids are replaced by their keyed hash, in the dataset and in errors */
  hashKeys?: string;
  /** columns whose ids; by default the user's, the item's and the session's */
  hashKeysOf?: string[];
}

export interface ReadDataset extends BuiltDataset {
  /** how ids were replaced, if they were */
  hashing?: KeyHashing;
}

/** Reads one or several files as one log, joined with its side tables, ids replaced where they are to be. */
export async function readDataset(
  paths: readonly string[],
  { hashKeys, hashKeysOf, ...options }: DatasetOptions,
  watch: Watch,
): Promise<ReadDataset> {
  if (hashKeys === undefined) return await readRaw(paths, options, watch);
  const hash = await keyedHashFrom(hashKeys);
  try {
    const built = await readRaw(paths, options, watch);
    return { ...built, ...withHashedKeys(built.dataset, hash, hashKeysOf, options.drop.map(parseDrop)) };
  } catch (error) {
    throw error instanceof DataError ? withoutExcerpts(error) : error;
  }
}

/** Reads and joins; tells what it inferred and left out. */
async function readRaw(
  paths: readonly string[],
  { reading, sides, drop, ...options }: DatasetOptions,
  { observe, signal }: Watch,
): Promise<BuiltDataset> {
  const tables = [];
  for (const side of sides) {
    const { path, key, sideKey } = parseSide(side);
    tables.push(
      await readSide(
        await openLog([path], { ...defaultSideReading, threads: reading.threads }),
        path,
        key,
        sideKey,
      ),
    );
  }
  const filters = drop.map(parseDrop);
  const log = await openLog([...paths], reading);
  try {
    const built = await buildDataset(log, tables, { ...options, drop: filters }, (progress) => {
      signal.throwIfAborted();
      observe({ stage: "reading", ...progress });
    });
    for (const text of [...built.inferred, ...built.notes]) observe({ stage: "note", text });
    for (const [reason, count] of Object.entries(built.skipped)) {
      observe({
        stage: "warning",
        text: `${count} ${count === 1 ? "row" : "rows"} left out as bad (${reason})`,
      });
    }
    return built;
  } finally {
    await log.close();
  }
}

/** A side table is read by its own dialect, whatever the log's. */
const defaultSideReading: Omit<ReadOptions, "threads"> = {
  header: true,
  onBadRow: "error",
  maxCell: 4 << 20,
};
