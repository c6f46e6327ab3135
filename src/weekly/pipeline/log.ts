// Checks the files of a pipeline's log and compares them with those of the previous version.
//
//   files now, files of the previous version ──► new, changed, gone ──► a line, and warnings about suspicious changes

import { relative, resolve, sep } from "node:path";
import { DataError, UsageError } from "../../base/errors.js";
import type { InputFingerprint } from "../../base/io/fingerprint.js";
import { isRemote } from "../../log/log.js";
import { openRandomAccess } from "../../base/io/random-access.js";
import { readDescription } from "../../dataset/encoded/read.js";
import type { Roles } from "../../dataset/dataset.js";
import { openRun } from "../../table/run-directory.js";
import { shortList } from "../gates/bounds.js";

export interface LoggedFile {
  /** path relative to the pipeline file's folder */
  path: string;
  sha256: string;
}

/** The differences between the files now and those of a version; paths are relative to the pipeline file's folder. */
export interface LogChanges {
  files: number;
  /** number of the compared version; null if none is published, or if its record lists no files */
  since: string | null;
  new: string[];
  changed: string[];
  gone: string[];
}

/**
 * Rejects files whose rows would count twice, and files that the pipeline itself writes.
 *
 * @throws {UsageError} two patterns match the same file, or one matches a published file
 * @throws {DataError} a file exists both plain and compressed
 */
export function checkLog(paths: readonly string[], published: readonly string[] = []): void {
  const seen = new Map<string, string>();
  for (const path of paths) {
    const plain = resolve(path).replace(/\.(gz|zst)$/i, "");
    const twin = seen.get(plain);
    if (twin === path)
      throw new UsageError(
        `log '${path}' is matched twice, so its rows would count twice: narrow the patterns`,
      );
    if (twin !== undefined)
      throw new DataError(
        `'${twin}' and '${path}' are the same file, plain and compressed, so its rows would count twice: ` +
          "remove one of them, or narrow the pattern",
      );
    seen.set(plain, path);
    const own = published.find((each) => isWithin(resolve(path), resolve(each)));
    if (own !== undefined)
      throw new UsageError(
        `log '${path}' is an output of this pipeline ('${own}'): narrow the pattern, or publish elsewhere`,
      );
  }
}

function isWithin(path: string, folder: string): boolean {
  return path === folder || path.startsWith(folder + sep);
}

/** @param folder folder of the pipeline file */
export function loggedFiles(logs: readonly InputFingerprint[], folder: string): LoggedFile[] {
  const relativeTo = (path: string) => relative(resolve(folder), resolve(path));
  return logs.map(({ path, sha256 }) => {
    const file = /^sql:(.*)$/s.exec(path)?.[1];
    if (file !== undefined) return { path: `sql:${relativeTo(file)}`, sha256 };
    return { path: isRemote(path) ? path : relativeTo(path), sha256 };
  });
}

/** @param before undefined if the version records no files */
export function logChanges(
  now: readonly LoggedFile[],
  before: readonly LoggedFile[] | undefined,
  since: string | null,
): LogChanges {
  const files = now.length;
  if (!before) return { files, since: null, new: [], changed: [], gone: [] };
  const earlier = new Map(before.map(({ path, sha256 }) => [path, sha256]));
  const here = new Set(now.map(({ path }) => path));
  const names = (all: readonly LoggedFile[]) => all.map(({ path }) => path);
  return {
    files,
    since,
    new: names(now.filter(({ path }) => !earlier.has(path))),
    changed: names(now.filter(({ path, sha256 }) => earlier.has(path) && earlier.get(path) !== sha256)),
    gone: names(before.filter(({ path }) => !here.has(path))),
  };
}

export function changesLine({ files, since, ...changes }: LogChanges): string {
  const counted = `log: ${files} ${files === 1 ? "file" : "files"}`;
  if (since === null) return counted;
  const parts = (["new", "changed", "gone"] as const)
    .filter((kind) => changes[kind].length > 0)
    .map((kind) => `${changes[kind].length} ${kind} (${shortList(changes[kind])})`);
  return `${counted}, since version ${since}: ${parts.length === 0 ? "none new" : parts.join(", ")}`;
}

export function logWarnings(now: readonly LoggedFile[], changes: LogChanges): string[] {
  const warnings: string[] = [];
  // files that sort first by name may have left a moving window; all other missing files are reported
  const kept = now.map(({ path }) => path).filter((path) => !changes.new.includes(path));
  const missed = changes.gone.filter((path) => kept.some((other) => other < path));
  if (missed.length > 0)
    warnings.push(
      `${shortList(missed)} ${missed.length === 1 ? "is" : "are"} missing from the log since version ` +
        `${changes.since}, although files that sort before by name exist`,
    );
  const byContent = new Map<string, string>();
  for (const { path, sha256 } of now) {
    const same = byContent.get(sha256);
    if (same !== undefined)
      warnings.push(`logs '${same}' and '${path}' have the same contents: each row counts twice`);
    byContent.set(sha256, path);
  }
  return warnings;
}

/**
 * Rejects a new text file whose last line has no line end, if older files have one: the file may still be being
 * written, and a truncated cell cannot be distinguished from a complete one.
 *
 * @throws {DataError}
 */
export async function checkFinished(
  logs: readonly InputFingerprint[],
  now: readonly LoggedFile[],
  { new: added, changed }: LogChanges,
): Promise<void> {
  const isText = ({ path, bytes }: InputFingerprint) =>
    bytes > 0 && /\.(csv|tsv|txt|log|jsonl|ndjson|libsvm|libffm|libfm)$/i.test(path);
  const isFresh = (i: number) => [...added, ...changed].includes(now[i]!.path);
  const older = logs.find((log, i) => isText(log) && !isFresh(i));
  if (!older || !(await endsLine(older))) return;
  for (const [i, log] of logs.entries()) {
    if (!isText(log) || !isFresh(i) || (await endsLine(log))) continue;
    throw new DataError(
      `the last line has no line end, unlike in '${older.path}': the file may still be being written; run ` +
        "again when it is complete, or add the line end",
      { file: log.path },
    );
  }
}

async function endsLine({ path, bytes }: InputFingerprint): Promise<boolean> {
  const file = await openRandomAccess(path);
  try {
    const [last] = new Uint8Array(await file.slice(Math.min(bytes, file.totalBytes) - 1, file.totalBytes));
    return last === 0x0a || last === 0x0d;
  } finally {
    await file.close();
  }
}

/**
 * Returns a sentence for each column that was a feature of the earlier run and is not any more, or vice versa, because
 * its number of rows per key has changed.
 *
 * @param dataset directory of the encoded dataset
 * @param previous directory of the earlier run
 * @param version name of the earlier run in messages
 */
export async function fieldChanges(dataset: string, previous: string, version: string): Promise<string[]> {
  const { fields, leftOut = [] } = (await readDescription(dataset)).roles;
  const before = (await openRun(previous)).manifest.roles as Partial<Roles> | undefined;
  const lost = leftOut.filter((name) => before?.fields?.includes(name));
  const gained = fields.filter((name) => before?.leftOut?.includes(name));
  const stays = "set columns: fields: and columns: ignore: to fix the features";
  return [
    ...lost.map(
      (name) =>
        `column '${name}' has fewer than two rows per key and is no longer a feature, unlike in version ` +
        `${version}: ${stays}`,
    ),
    ...gained.map(
      (name) =>
        `column '${name}' is now a feature, unlike in version ${version}, where it had fewer than two rows ` +
        `per key: ${stays}`,
    ),
  ];
}
