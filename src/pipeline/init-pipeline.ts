// `embed init` inspects a log and writes a commented pipeline file with inferred roles, and gates around the log's
// current values.

import { dirname, isAbsolute, relative, resolve } from "node:path";
import { inspect } from "../api/inspect/inspect.js";
import { reading } from "../training/options/reading.js";
import type { Watch } from "../training/session/watch.js";
import { newestGate } from "../config/new-rows-gates.js";
import { starterPipeline, starterTraining } from "../config/pipeline-starter.js";
import { flagOf, UsageError } from "../errors.js";
import { checkOutput, writeFileAtomic } from "../io/atomic.js";
import { checkLog, shortList } from "./log.js";
import { patternLike, patternsFor } from "../io/glob-for.js";
import { expandPaths, MAGIC } from "../io/glob.js";
import { filesOfLog } from "../log/directory.js";
import { statOf } from "../io/tree.js";
import { firstTrainer } from "../trainers/index.js";

import type { InitOptions } from "./options.js";

/**
 * Inspects a log and writes a pipeline file for it.
 *
 * @param logs files and patterns, which the file names relative to itself
 * @param now  milliseconds since 1970, for the age of the newest event
 * @returns the file's text
 * @throws {UsageError} the log has neither a label nor users and items, so no training can be chosen; or there are
 *   several files, and no pattern matches exactly these
 * @throws {OutputError} the file exists (without force)
 */
export async function initPipeline(
  logs: readonly string[],
  given: InitOptions,
  watch: Watch,
  now = Date.now(),
): Promise<string> {
  const { out, force = false, timeFormat } = given;
  if (logs.includes("-"))
    throw new UsageError("a pipeline cannot read standard input: pass a file or a pattern to embed init");
  if (out !== undefined) await checkOutput(out, force, "file");
  const { log, files, note, isUnsure } = await proposedLog(logs);
  checkLog(files);
  const { rows, columns, task, newest, spread } = await inspect(files, given, watch);
  const training = starterTraining(columns, task);
  if (!training) {
    const names = columns.map(({ name }) => name).join(", ");
    throw new UsageError(
      `found neither a label column nor user and item columns among ${names}: start from ` +
        "fixtures/pipeline.yaml and name them under columns",
    );
  }
  const folder = out === undefined ? undefined : dirname(resolve(out));
  const fromFile = (path: string) =>
    folder === undefined || isAbsolute(path) ? path : relative(folder, resolve(path));
  const gate =
    newest && newest.length > 0
      ? newestGate(
          newest.map(({ time }) => time),
          now,
        )
      : undefined;
  const text = starterPipeline(
    {
      logs: log.map(fromFile),
      note,
      ...(!(log.length === 1 && log[0] === files[0]) && { files: files.length }),
      rows,
      columns,
      reading: readingKeys(given),
      timeFormat,
      newest: gate,
      spread,
    },
    training,
    firstTrainer[training === "events" ? "events" : "labels"],
  );
  watch.observe({ stage: isUnsure ? "warning" : "note", text: `log: ${note}` });
  if (gate?.warning !== undefined) watch.observe({ stage: "warning", text: gate.warning });
  if (out !== undefined) await writeFileAtomic(out, [Buffer.from(text)], force, { signal: watch.signal });
  return text;
}

export interface ProposedLog {
  /** patterns, or one file */
  log: readonly string[];
  /** files that match now */
  files: string[];
  /** a sentence on how later files are handled */
  note: string;
  /** true if later files may not match */
  isUnsure: boolean;
}

/**
 * Determines the value of `log:` from the arguments of `embed init`, so that later files are read, too: a shell expands
 * logs/*.csv before embed sees it, and a list of today's files would never include new ones.
 *
 * @param logs as given on the command line
 * @throws {UsageError} several files that no pattern distinguishes from others, or a directory beside files
 * @throws {NoInputError} a pattern matches nothing
 */
export async function proposedLog(logs: readonly string[]): Promise<ProposedLog> {
  const files = await expandPaths(logs);
  const isDirectory = await Promise.all(
    files.map(async (path) => (await statOf(path))?.isDirectory === true),
  );
  // new files in a directory are read automatically
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
    `(currently ${fileCountText(matches.length)})`;
  return { log: [file], files: [file], note: `${only}; ${advice}`, isUnsure: true };
}

function noteOf(patterns: readonly string[], files: readonly string[], verb = "match"): string {
  const each = patterns.map((pattern) => `'${pattern}'`).join(" and ");
  return `${each} ${verb}${patterns.length === 1 ? (verb === "match" ? "es" : "s") : ""} ${fileCountText(files.length)} now, and later ones when they come`;
}

function fileCountText(files: number): string {
  return `${files} ${files === 1 ? "file" : "files"}`;
}

/** Returns the reading options of the user as keys of `reading:`, in YAML's syntax. */
function readingKeys(given: InitOptions): Record<string, string> {
  const isKey = ([name, value]: [string, unknown]) =>
    value !== undefined && (Object.hasOwn(reading, name) || name === "maxBad");
  const keys = Object.entries(given).filter(isKey);
  return Object.fromEntries(keys.map(([name, value]) => [flagOf(name).slice(2), JSON.stringify(value)]));
}
