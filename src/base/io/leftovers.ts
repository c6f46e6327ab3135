// Temporary names of outputs that are incomplete or no longer needed. A name shows whether the process that writes it
// is still running.
//
//   .NAME.new-ID    an output while it is written, which becomes NAME
//   .NAME.old-ID    the NAME that it replaces, until the new one is in place
//   .NAME.gone-ID   a NAME that is being removed and is never restored
//   ID              PID-RANDOM-HOST of the writer; it occurs in names only and affects no result
//
// SQLite's lock is `.NAME.new-ID.lock`.

import { randomBytes } from "node:crypto";
import { lstat, readdir, mkdtemp, rename, rm } from "node:fs/promises";
import { hostname, tmpdir } from "node:os";
import { basename, dirname, join, resolve } from "node:path";
import { codeOf, asIoError, syncDirectory } from "./write.js";

type Kind = "new" | "old" | "gone";

/** IDs of the writes that this process is doing. Other IDs with its pid belong to writes that have failed. */
const ours = new Set<string>();

/** Returns an ID for a write of this process, which counts as running until `endWrite`. */
export function startWrite(): string {
  const id = `${process.pid}-${randomBytes(6).toString("hex")}-${hostName()}`;
  ours.add(id);
  return id;
}

export function endWrite(id: string): void {
  ours.delete(id);
}

export function temporaryName(name: string, kind: Kind, id: string): string {
  return `.${name}.${kind}-${id}`;
}

export interface Leftover {
  name: string;
  /** name of the output that the temporary file will become, or that it was before it was replaced or removed */
  of: string;
  kind: Kind;
  /** true if the writer of the output is certainly not running */
  dead: boolean;
}

/** Lists the temporary names that belong to a target, the most recently renamed first. */
export async function leftoversOf(target: string, kind: Kind): Promise<Leftover[]> {
  const [parent, of] = [dirname(resolve(target)), basename(resolve(target))];
  const found = (await leftoversIn(parent)).filter(
    (leftover) => leftover.of === of && leftover.kind === kind,
  );
  const renamed = new Map<string, number>();
  for (const { name } of found) {
    renamed.set(name, (await lstat(join(parent, name)).catch(() => undefined))?.ctimeMs ?? 0);
  }
  return found.sort((a, b) => renamed.get(b.name)! - renamed.get(a.name)!);
}

/**
 * Restores `NAME` if a writer was killed between its two renames; every command that opens a run calls it first.
 *
 * @param isAlone true if the caller holds a lock, so that no other writer is running
 * @returns the path of an old directory that was kept because its writer may still be running, for the error message
 */
export async function restoreInterrupted(target: string, isAlone = false): Promise<string | undefined> {
  if (await lstat(target).catch(() => undefined)) return undefined;
  const parent = dirname(resolve(target));
  let waiting: string | undefined;
  for (const { name, dead } of await leftoversOf(target, "old")) {
    if (!dead && !isAlone) {
      waiting = join(parent, name);
      continue;
    }
    try {
      await rename(join(parent, name), target);
      await syncDirectory(parent);
      return undefined;
    } catch (error) {
      // another command has restored the directory in the meantime
      if (await lstat(target).catch(() => undefined)) return undefined;
      throw asIoError(error, `cannot restore '${target}' from '${name}'`);
    }
  }
  return waiting;
}

/** Lists all temporary names in a directory; returns none if it cannot be read. */
export async function leftoversIn(directory: string): Promise<Leftover[]> {
  const names = await readdir(directory).catch(() => []);
  return names.flatMap((name): Leftover[] => {
    const [, of, kind, id, pid, writer] =
      /^\.(.+)\.(new|old|gone)-((\d+)-[0-9a-f]+-(.*?))(?:\.lock)?$/.exec(name) ?? [];
    if (of === undefined) return [];
    return [{ name, of, kind: kind as Kind, dead: isDead(id!, Number(pid), writer!) }];
  });
}

/** False if the writer is or may be running, such as one on another machine that shares the disk. */
function isDead(id: string, pid: number, writerHost: string): boolean {
  if (writerHost !== hostName()) return false;
  // this list is exact for writes of this process; in containers, an earlier process may have had the same pid
  if (pid === process.pid) return !ours.has(id);
  try {
    process.kill(pid, 0);
    return false;
  } catch (error) {
    return codeOf(error) === "ESRCH";
  }
}

/** Returns the machine's name, restricted to characters that are safe in file names. */
export function hostName(): string {
  return hostname().replaceAll(/[^A-Za-z0-9.-]/g, "_");
}

// Tracks the temporary files, directories and locks of this process, so that they are removed when the process is ended
// in the middle of its work.

/** A temporary file or directory, or a lock, that must be removed if the process is ended. */
export interface Unfinished {
  /** path, absolute or relative to the working directory of the process */
  path: string;
  /** for a lock: the link's target while this process holds it */
  target?: string;
}

type Observer = (unfinished: Unfinished, isThere: boolean) => void;

let observer: Observer = () => undefined;

/**
 * Sets the observer, which is called before a temporary file, directory or lock is created, and after it was renamed or
 * removed.
 */
export function observeUnfinished(observe: Observer): void {
  observer = observe;
}

/** Must be called before the temporary file, temporary directory or lock is created. */
export function unfinishedStarts(unfinished: Unfinished): void {
  observer(unfinished, true);
}

/** Must be called after the temporary file, temporary directory or lock was renamed or removed. */
export function unfinishedEnds(path: string): void {
  observer({ path }, false);
}

/** Creates a directory in the system's temporary directory; the caller removes it. @throws {IoError} */
export async function makeTemporaryDirectory(name: string): Promise<string> {
  return await mkdtemp(join(tmpdir(), `embed-${name}-`)).catch((error: unknown) => {
    const advice = "set TMPDIR to a directory that exists and can be written to";
    throw asIoError(error, `creating a temporary directory in '${tmpdir()}' failed (${advice})`);
  });
}

/**
 * Calls `work` with a new directory in the system's temporary directory; the directory is removed afterwards, even
 * after an error.
 * @throws {IoError}
 */
export async function withTemporaryDirectory<T>(
  name: string,
  work: (path: string) => Promise<T>,
): Promise<T> {
  const path = await makeTemporaryDirectory(name);
  unfinishedStarts({ path });
  try {
    return await work(path);
  } finally {
    await rm(path, { recursive: true, force: true });
    unfinishedEnds(path);
  }
}
