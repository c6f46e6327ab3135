// A directory that was named as a log: which pattern reads the files in it.

import { dirname, join } from "node:path";
import { UsageError } from "../errors.js";
import { pathExists } from "../io/read-artifact.js";
import { filesBelow } from "../io/tree.js";

/** What names of logs end in; any other file is read as delimited text only where it is named itself. */
const LOG_NAME = /\.(csv|tsv|txt|jsonl|ndjson|parquet|pq|libsvm|svmlight|svm|libffm|ffm)(\.gz|\.zst)?$/i;
/** Patterns that a message offers at most. */
const MOST = 3;

/**
 * The error for a directory in a log's place: with the patterns that read its files, those of most files first.
 *
 * @param path as it was named
 */
export async function directoryIsNoLog(path: string): Promise<UsageError> {
  const told = `'${path}' is a directory, and a log is named by its files`;
  if (await pathExists(join(path, "manifest.json")))
    return new UsageError(`'${path}' is a run directory, not a log: name the log's files`);
  if (await pathExists(join(path, "dataset.json")))
    return new UsageError(
      `'${path}' is an encoded dataset, which only trainings, inspect and gate read: name the log's files`,
    );
  const patterns = await patternsIn(path);
  if (patterns.length === 0)
    return new UsageError(`${told}: it holds no .csv, .tsv, .jsonl, .parquet, .libsvm or .libffm files`);
  const offered = patterns
    .slice(0, MOST)
    .map(({ pattern, files }) => `'${pattern}' (${files} ${files === 1 ? "file" : "files"})`);
  return new UsageError(`${told}: name them, in quotes, with ${offered.join(" or ")}`);
}

/** A pattern for each way that names of logs end in the directory, or below it where it holds none itself. */
async function patternsIn(path: string): Promise<{ pattern: string; files: number }[]> {
  const logs = (await filesBelow(path)).filter((file) => LOG_NAME.test(file) && !/(^|\/)\./.test(file));
  const own = logs.filter((file) => dirname(file) === ".");
  const root = path.replace(/\/+$/, "");
  const counts = new Map<string, number>();
  for (const file of own.length > 0 ? own : logs) {
    const ending = LOG_NAME.exec(file)![0];
    const pattern = `${root}/${own.length > 0 ? "" : "**/"}*${ending}`;
    counts.set(pattern, (counts.get(pattern) ?? 0) + 1);
  }
  return [...counts]
    .map(([pattern, files]) => ({ pattern, files }))
    .sort((a, b) => b.files - a.files || (a.pattern < b.pattern ? -1 : 1));
}
