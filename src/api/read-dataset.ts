// Opening a log with its side tables, or an encoded dataset in its place, and reading it whole.

import { buildDataset, type BuildOptions, type BuiltDataset } from "../dataset/build.js";
import { checkBadShare, type BadRow } from "../dataset/bad-rows.js";
import { parseDrop } from "../dataset/filter.js";
import { TEXT_LEFT_OUT, withHashedKeys, withoutExcerpts, type KeyHashing } from "../dataset/hash-keys.js";
import { playRoles, shapingOf } from "../dataset/encoded/play-roles.js";
import { isEncodedDataset, readEncoded } from "../dataset/encoded/read.js";
import { ofLog, withTimeFields } from "../dataset/time-fields.js";
import { parseWhere } from "../dataset/where.js";
import { parseSide, readSide, type SideTable } from "../dataset/side.js";
import { DataError, UsageError } from "../errors.js";
import { keyedHashFrom } from "../io/key-file.js";
import type { Log, ReadOptions, ReadProgress } from "../log/log.js";
import { openLog } from "../log/open.js";
import type { BadRowReport } from "./bad-row-report.js";
import type { Watch } from "./progress.js";

export interface DatasetOptions extends Omit<BuildOptions, "drop" | "where" | "onSkipped" | "onRead"> {
  /** COLUMN OPERATOR TEXT: rows that match are left out */
  drop: string[];
  /** expressions of where.ts: rows of which one does not hold are left out; none by default */
  where?: string[];
  reading: ReadOptions;
  /** the largest share of rows that may be left out as bad; 0.01 by default */
  maxBad?: number;
  /** where they are written */
  badRows?: BadRowReport;
  /** FILE:KEY or FILE:KEY=SIDEKEY */
  sides: string[];
  /** a file with a secret: ids are replaced by their keyed hash, in the dataset and in errors */
  hashKeys?: string;
  /** columns whose ids; by default the user's, the item's and the session's */
  hashKeysOf?: string[];
  /** bad rows are listed without their text, which may hold ids */
  hidesText?: boolean;
}

const DEFAULT_MAX_BAD = 0.01;

/** A dataset that was encoded has what shaped it in place of what the flags say. */
export interface ReadDataset extends BuiltDataset {
  shaping?: Pick<DatasetOptions, "sides" | "drop" | "where" | "numeric">;
  /** how ids were replaced, if they were */
  hashing?: KeyHashing;
}

/**
 * Reads one or several files as one log, joined with its side tables, or an encoded dataset; ids are replaced where they
 * are to be. Tells what was inferred and left out.
 */
export async function readDataset(
  paths: readonly string[],
  { hashKeys, hashKeysOf, ...options }: DatasetOptions,
  watch: Watch,
): Promise<ReadDataset> {
  if (hashKeys === undefined) return await readRaw(paths, options, watch);
  const hash = await keyedHashFrom(hashKeys);
  try {
    const read = await readRaw(paths, { ...options, hidesText: true }, watch);
    const drops = [...options.drop, ...(read.shaping?.drop ?? [])];
    const filtered = [
      ...drops.map((source) => ({ flag: "--drop", column: parseDrop(source).column })),
      ...[...(options.where ?? []), ...(read.shaping?.where ?? [])].flatMap((source) =>
        parseWhere(source).tests.map(({ column }) => ({ flag: "--where", column })),
      ),
    ];
    return { ...read, ...withHashedKeys(read.dataset, hash, hashKeysOf, filtered) };
  } catch (error) {
    throw error instanceof DataError ? withoutExcerpts(error) : error;
  }
}

async function readRaw(
  paths: readonly string[],
  options: DatasetOptions,
  watch: Watch,
): Promise<ReadDataset> {
  for (const path of paths) {
    if (!(await isEncodedDataset(path))) continue;
    if (paths.length > 1)
      throw new UsageError(
        `'${path}' is an encoded dataset: it is read alone, not with ${paths.length - 1} other inputs`,
      );
    return withDerived(await readEncodedAs(path, options, watch), options);
  }
  return withDerived(await withLog(paths, options, watch, buildDataset), options);
}

function withDerived(read: ReadDataset, options: DatasetOptions): ReadDataset {
  return { ...read, dataset: withTimeFields(read.dataset, options) };
}

async function readEncodedAs(path: string, options: DatasetOptions, watch: Watch): Promise<ReadDataset> {
  const encoded = await readEncoded(path);
  const { dataset, skipped } = playRoles(encoded, ofLog(options));
  tell({ inferred: [], notes: [], skipped }, watch);
  return { dataset, inferred: [], notes: [], skipped, shaping: shapingOf(encoded, options.numeric) };
}

/** What a reading tells beside its rows. */
type Told = Pick<BuiltDataset, "inferred" | "notes" | "skipped">;

/** Opens files as one log with its side tables, has it read, and tells what was inferred and left out. */
export async function withLog<T extends Told>(
  paths: readonly string[],
  {
    reading,
    sides,
    drop,
    where = [],
    maxBad = DEFAULT_MAX_BAD,
    badRows,
    hidesText = false,
    ...options
  }: DatasetOptions,
  watch: Watch,
  read: (
    log: Log,
    tables: SideTable[],
    options: BuildOptions,
    observe: (progress: ReadProgress) => void,
  ) => Promise<T>,
): Promise<T> {
  await badRows?.check();
  const { observe, signal } = watch;
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
  const wheres = where.map(parseWhere);
  const log = await openLog([...paths], {
    ...reading,
    multi: options.multi,
    ...(options.multiWeights && { multiWeights: options.multiWeights }),
    ignore: options.ignore,
    keepBadRows: badRows !== undefined,
  });
  const bad = {
    ...(badRows && {
      onSkipped: (row: BadRow) => badRows.add(hidesText ? { ...row, text: TEXT_LEFT_OUT } : row),
    }),
    onRead: async (skipped: Record<string, number>, numRead: number) => {
      await badRows?.write(signal);
      checkBadShare(skipped, numRead, maxBad, paths);
    },
  };
  try {
    const built = await read(
      log,
      tables,
      { ...options, ...bad, drop: filters, where: wheres },
      (progress) => {
        signal.throwIfAborted();
        observe({ stage: "reading", ...progress });
      },
    );
    tell(built, watch);
    return built;
  } finally {
    await log.close();
  }
}

/** Tells what was inferred, and what was left out. */
function tell({ inferred, notes, skipped }: Told, { observe }: Watch): void {
  for (const text of [...inferred, ...notes]) observe({ stage: "note", text });
  for (const [reason, count] of Object.entries(skipped)) {
    observe({
      stage: "warning",
      text: `${count} ${count === 1 ? "row" : "rows"} left out as bad (${reason})`,
    });
  }
}

/** A side table is read by its own dialect, whatever the log's. */
const defaultSideReading: Omit<ReadOptions, "threads"> = {
  header: true,
  onBadRow: "error",
  maxCell: 4 << 20,
};
