// What was named as a log → its files. A directory is the logs in it and below it; folders called `dt=2026-01-01`, as Hive and Spark
// write them, say what the column `dt` of all rows below is.

import { dirname, join } from "node:path";
import { DataError, NoInputError, UsageError } from "../errors.js";
import { expandPaths } from "../io/glob.js";
import { pathExists } from "../io/read-artifact.js";
import { entriesOf, statOf } from "../io/tree.js";
import { forms } from "./form.js";
import type { LogFile } from "./log.js";

/** What names of logs end in; any other file is read as delimited text only where it is named itself. */
const LOG_NAME = new RegExp(
  `(${Object.values(forms)
    .flatMap((form) => form.extensions.map((end) => end.replace(".", String.raw`\.`)))
    .join("|")})(\\.gz|\\.zst)?$`,
  "i",
);
/** Files of runs and datasets, some of which are called like logs. */
const OWN_NAME = /(^|\/)(manifest\.json|dataset\.json|metrics\.jsonl|embeddings\.arrow)$/;
/** Files as Hive and Hadoop call them (000000_0, part-00000), read where no name ends like a log's. */
const BARE_NAME = /^[^.]+$/;
/** How Hive calls the partition of missing cells. */
const NO_PARTITION = "__HIVE_DEFAULT_PARTITION__";
/** Files and folders of one directory, at most: more are a mistake, such as a home directory. */
const MOST_FILES = 100_000;
/** Folders below one another. */
const MOST_DEPTH = 64;
/** Names that a sentence lists. */
const MOST_SHOWN = 3;

/**
 * The files of a log, in the order in which they are named; those of a directory by their paths.
 *
 * @param named files, directories, patterns or `-`
 * @returns with sentences about what was left out
 * @throws {NoInputError} a pattern or a directory has no file
 * @throws {UsageError} a run or an encoded dataset is named
 * @throws {DataError} folders state a column twice
 */
export async function filesOfLog(
  named: readonly string[],
): Promise<{ files: LogFile[]; warnings: string[] }> {
  const files: LogFile[] = [];
  const warnings: string[] = [];
  for (const path of await expandPaths(named)) {
    if (path === "-" || !(await statOf(path))?.isDirectory) {
      files.push({ path, partition: {} });
      continue;
    }
    await refuseArtifact(path);
    const found = await logsIn(path);
    files.push(...found.files);
    warnings.push(...found.warnings);
  }
  return { files, warnings };
}

/** @throws {UsageError} the directory is one of this program's */
async function refuseArtifact(path: string): Promise<void> {
  if (await pathExists(join(path, "manifest.json")))
    throw new UsageError(`'${path}' is a run directory, not a log: name the log files`);
  if (await pathExists(join(path, "dataset.json")))
    throw new UsageError(
      `'${path}' is an encoded dataset, which only trainings, inspect and gate can read: name the log files`,
    );
}

async function logsIn(path: string): Promise<{ files: LogFile[]; warnings: string[] }> {
  const root = path.replace(/(?!^)\/+$/, "");
  const { files: all, emptyFolders } = await visibleFiles(root);
  const sizes = new Map<string, number>();
  for (const file of all) if (mayBeLog(file)) sizes.set(file, (await statOf(`${root}/${file}`))?.bytes ?? 0);
  return chosenLogs(path, all, (file) => sizes.get(file)!, emptyFolders);
}

/** Whether a file of a directory can be one of a log by its name. */
function mayBeLog(file: string): boolean {
  return LOG_NAME.test(file) || BARE_NAME.test(file.split("/").at(-1)!);
}

/**
 * The logs among the files of a directory, with the columns that their paths state, and sentences about what was left out.
 *
 * @param path the directory, as it is named
 * @param all  paths of its visible files below it, in the order of their UTF-16 units
 * @throws {UsageError} they are those of a run or a dataset @throws {NoInputError} none is a log
 */
export function chosenLogs(
  path: string,
  all: readonly string[],
  bytesOf: (file: string) => number,
  emptyFolders: readonly string[] = [],
): { files: LogFile[]; warnings: string[] } {
  const root = path.replace(/(?!^)\/+$/, "");
  const own = all.find((file) => OWN_NAME.test(file));
  if (own !== undefined)
    throw new UsageError(
      `directory '${path}' contains a run or a dataset ('${own}'), not a log: name the log files`,
    );
  const named = all.filter((file) => LOG_NAME.test(file));
  const logs = new Set(named.length > 0 ? named : all.filter(mayBeLog));
  const others = all.filter((file) => !logs.has(file));
  const empty = [...logs].filter((file) => bytesOf(file) === 0);
  const kept = [...logs].filter((file) => bytesOf(file) !== 0);
  if (kept.length === 0) {
    const held = all.length === 0 ? "it has no files" : `it has ${shown(all)}`;
    throw new NoInputError(
      `no logs in directory '${path}': ${held}; log file names must end in .csv, .tsv, .txt, .jsonl, ` +
        ".json, .parquet, .libsvm or .libffm, also with .gz or .zst",
    );
  }
  const files = kept.map((file) => ({
    path: `${root}/${file}`,
    partition: partitionOf(`${path}/${dirname(file)}`),
  }));
  const reported: [string, readonly string[]][] = [
    ["files of 0 bytes", empty],
    ["files without a log extension", others],
    ["folders without files", emptyFolders],
  ];
  const warnings = reported.flatMap(([what, names]) =>
    names.length === 0 ? [] : [`directory '${path}': skipped ${what}: ${shown(names)}`],
  );
  return { files, warnings };
}

/**
 * Paths of files below a directory, and of folders that hold none, in the order of their UTF-16 units. Names that start with a dot or an
 * underscore are those of programs (`_SUCCESS`, `.crc`); links to folders are not followed, so that there is an end.
 */
async function visibleFiles(root: string): Promise<{ files: string[]; emptyFolders: string[] }> {
  const files: string[] = [];
  const emptyFolders: string[] = [];
  const visit = async (folder: string, depth: number): Promise<void> => {
    const before = files.length;
    for (const { name, kind } of await entriesOf(join(root, folder))) {
      if (/^[._]/.test(name)) continue;
      const path = folder === "" ? name : `${folder}/${name}`;
      const isFolder = kind === "directory";
      if (isFolder && depth === MOST_DEPTH)
        throw new UsageError(`'${root}/${path}' is more than ${MOST_DEPTH} folders below '${root}'`);
      if (isFolder) await visit(path, depth + 1);
      else if (kind === "file" || (kind === "link" && (await statOf(join(root, path)))?.isFile))
        files.push(path);
      if (files.length > MOST_FILES)
        throw new UsageError(
          `'${root}' has more than ${MOST_FILES.toLocaleString("en")} files: name the log files with a pattern`,
        );
    }
    if (
      files.length === before &&
      folder !== "" &&
      !emptyFolders.some((empty) => empty.startsWith(`${folder}/`))
    )
      emptyFolders.push(folder);
  };
  await visit("", 0);
  return { files: files.sort(byUnits), emptyFolders: emptyFolders.sort(byUnits) };
}

/** The columns that folders of a path state, outer ones first. @throws {DataError} two state one */
function partitionOf(folder: string): Record<string, string> {
  const cells = new Map<string, string>();
  for (const name of folder.split("/")) {
    const [, column, text] = /^([^=]+)=(.*)$/su.exec(name) ?? [];
    if (column === undefined || text === undefined) continue;
    if (cells.has(decodedName(column)))
      throw new DataError("two folders of the path set the column", { file: folder, column });
    cells.set(decodedName(column), text === NO_PARTITION ? "" : decodedName(text));
  }
  return Object.fromEntries(cells);
}

/** Hive writes `%3A` for a colon, which not all file systems hold. */
function decodedName(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function shown(names: readonly string[]): string {
  const rest = names.length - MOST_SHOWN;
  return `${names.slice(0, MOST_SHOWN).join(", ")}${rest > 0 ? ` and ${rest} more` : ""}`;
}

/** The order of UTF-16 units. */
export function byUnits(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
