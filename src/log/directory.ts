// Expands the names of a log into its files. A directory stands for the log files in it and below it. A folder named
// `dt=2026-01-01`, as Hive and Spark write them, gives all rows below it that value in the column `dt`.

import { dirname, join } from "node:path";
import { DataError, NoInputError, UsageError } from "../base/errors.js";
import { expandPaths } from "../base/io/glob.js";
import { entriesOf, statOf } from "../base/io/tree.js";
import { forms } from "./form.js";
import type { LogFile } from "./log.js";

/** Names of a directory's files that are read as logs; others only if the user names them directly. */
const LOG_NAME = new RegExp(
  `(${Object.values(forms)
    .flatMap((form) => form.extensions.map((end) => end.replace(".", String.raw`\.`)))
    .join("|")})(\\.gz|\\.zst)?$`,
  "i",
);
/** Names of files that belong to runs and datasets; some have the extension of a log. */
const OWN_NAME = /(^|\/)(manifest\.json|dataset\.json|metrics\.jsonl|embeddings\.arrow)$/;
/** Names without an extension, as Hive and Hadoop write them (000000_0); read if no file has a log's extension. */
const BARE_NAME = /^[^.]+$/;
/** Hive's name for the partition of rows whose partition cell is missing. */
const NO_PARTITION = "__HIVE_DEFAULT_PARTITION__";
/** Maximum number of files and folders in one directory; more are a mistake, such as a home directory. */
const MOST_FILES = 100_000;
const MOST_DEPTH = 64;
const MOST_SHOWN = 3;

/**
 * Returns the files of a log in the order in which the user names them; the files of a directory are sorted by path.
 *
 * @param named files, directories, patterns or `-`
 * @returns the files, and sentences about skipped files
 * @throws {NoInputError} a pattern or a directory matches no file
 * @throws {UsageError} a run or an encoded dataset is named
 * @throws {DataError} the folders of a path give a column twice
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
    const found = await logsIn(path);
    files.push(...found.files);
    warnings.push(...found.warnings);
  }
  return { files, warnings };
}

async function logsIn(path: string): Promise<{ files: LogFile[]; warnings: string[] }> {
  const root = path.replace(/(?!^)\/+$/, "");
  const { files: all, emptyFolders } = await visibleFiles(root);
  const sizes = new Map<string, number>();
  for (const file of all) if (mayBeLog(file)) sizes.set(file, (await statOf(`${root}/${file}`))?.bytes ?? 0);
  return chosenLogs(path, all, (file) => sizes.get(file)!, emptyFolders);
}

function mayBeLog(file: string): boolean {
  return LOG_NAME.test(file) || BARE_NAME.test(file.split("/").at(-1)!);
}

/**
 * Selects the log files of a directory, with the columns that their paths give, and sentences about skipped files.
 *
 * @param path the directory, as the user named it
 * @param all  paths of its visible files relative to it, in the order of their UTF-16 units
 * @throws {UsageError} the files are those of a run or a dataset
 * @throws {NoInputError} none of them is a log
 */
export function chosenLogs(
  path: string,
  all: readonly string[],
  bytesOf: (file: string) => number,
  emptyFolders: readonly string[] = [],
): { files: LogFile[]; warnings: string[] } {
  const root = path.replace(/(?!^)\/+$/, "");
  const own = all.find((file) => OWN_NAME.test(file));
  if (all.includes("manifest.json"))
    throw new UsageError(`'${path}' is a run directory, not a log: name the log files`);
  if (all.includes("dataset.json"))
    throw new UsageError(
      `'${path}' is an encoded dataset, which only trainings, inspect and gate can read: name the log files`,
    );
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
    const held = all.length === 0 ? "it has no files" : `it has ${listedNames(all)}`;
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
    names.length === 0 ? [] : [`directory '${path}': skipped ${what}: ${listedNames(names)}`],
  );
  return { files, warnings };
}

/**
 * Lists the files below a directory, and its empty folders, in the order of their UTF-16 units. Names that start with a
 * dot or an underscore are skipped, because programs write them (`_SUCCESS`, `.crc`). Links to folders are not
 * followed, because they may form a loop.
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

/** Cells that folders give (`dt=2026-01-01`), outer first. @throws {DataError} two folders give the same column */
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

/** Decodes a folder name: Hive writes `%3A` for a colon, because some file systems do not allow colons. */
function decodedName(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function listedNames(names: readonly string[]): string {
  const rest = names.length - MOST_SHOWN;
  return `${names.slice(0, MOST_SHOWN).join(", ")}${rest > 0 ? ` and ${rest} more` : ""}`;
}

/** Compares two texts by their UTF-16 units. */
export function byUnits(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
