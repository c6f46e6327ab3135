// The files that `embed init` was given → what stands under `log:`, so that next week's files are read, too.
//
// A shell expands logs/*.csv before embed sees it, and a list of today's files would be read for ever.

import { UsageError } from "../errors.js";
import { patternLike, patternsFor } from "../io/glob-for.js";
import { expandPaths, MAGIC } from "../io/glob.js";
import { filesOfLog } from "../log/directory.js";
import { statOf } from "../io/tree.js";

export interface ProposedLog {
  /** patterns, or one file */
  log: readonly string[];
  /** files that match now */
  files: string[];
  /** what the file does with later files: a sentence */
  note: string;
  /** later files may not be read */
  isUnsure: boolean;
}

/**
 * @param logs as the command line has them
 * @throws {UsageError} several files that no pattern tells from others, or a directory beside files
 * @throws {NoInputError} a pattern matches nothing
 */
export async function proposedLog(logs: readonly string[]): Promise<ProposedLog> {
  const files = await expandPaths(logs);
  const isDirectory = await Promise.all(
    files.map(async (path) => (await statOf(path))?.isDirectory === true),
  );
  // what comes into a directory is read when it comes
  if (files.length === logs.length && isDirectory.every(Boolean)) return await directories(logs);
  const mixed = files.find((_, i) => isDirectory[i]);
  if (mixed !== undefined)
    throw new UsageError(
      `'${mixed}' is a directory but other logs are files: name only directories, or only files`,
    );
  const isGiven = logs.some((path) => MAGIC.test(path) && !files.includes(path));
  if (isGiven) return { log: logs, files, note: noteOf(logs, files), isUnsure: false };
  if (files.length === 1) return await oneFile(files[0]!);
  const { patterns, nearest } = await patternsFor(files);
  if (patterns) return { log: patterns, files, note: noteOf(patterns, files), isUnsure: false };
  const tried = nearest
    ? `'${nearest.pattern}' also matches ${shortList(nearest.others.map((path) => `'${path}'`))}`
    : "they have no common folder and name";
  throw new UsageError(
    `no pattern matches exactly these ${files.length} files: ${tried}. A weekly job needs a pattern to find ` +
      `next week's files: pass one in quotes (embed init '${nearest?.pattern ?? "logs/**/*.csv"}' ...), or ` +
      "name one file and add the others under log:",
  );
}

async function directories(logs: readonly string[]): Promise<ProposedLog> {
  const { files } = await filesOfLog(logs);
  const paths = files.map(({ path }) => path);
  return { log: logs, files: paths, note: noteOf(logs, paths, "hold"), isUnsure: false };
}

async function oneFile(file: string): Promise<ProposedLog> {
  const pattern = patternLike(file);
  const only = `only '${file}' is read in each run`;
  if (pattern === undefined) return { log: [file], files: [file], note: only, isUnsure: false };
  const matches = await expandPaths([pattern]).catch(() => []);
  const advice =
    `if next week's rows are in another file, pass a pattern in quotes: embed init '${pattern}' ` +
    `(currently ${counted(matches.length)})`;
  return { log: [file], files: [file], note: `${only}; ${advice}`, isUnsure: true };
}

function noteOf(patterns: readonly string[], files: readonly string[], verb = "match"): string {
  const each = patterns.map((pattern) => `'${pattern}'`).join(" and ");
  return `${each} ${verb}${patterns.length === 1 ? (verb === "match" ? "es" : "s") : ""} ${counted(files.length)} now, and later ones when they come`;
}

function counted(files: number): string {
  return `${files} ${files === 1 ? "file" : "files"}`;
}

/** The first three, and how many more. */
export function shortList(names: readonly string[]): string {
  const rest = names.length - 3;
  return names.slice(0, 3).join(", ") + (rest > 0 ? ` and ${rest} more` : "");
}
