// Names of what is not whole yet or no longer needed, which tell whether their writer lives.
//
//   .NAME.new-ID    what is being written, to become NAME
//   .NAME.old-ID    the NAME that it replaces, until the new one stands
//   .NAME.gone-ID   a NAME that is being removed: nothing brings it back
//   ID              PID-RANDOM-HOST of the writer; it stands in names only and reaches no result

import { randomBytes } from "node:crypto";
import { lstat, readdir, mkdtemp, rm } from "node:fs/promises";
import { hostname, tmpdir } from "node:os";
import { basename, dirname, join, resolve } from "node:path";
import { codeOf, asIoError } from "./write.js";

type Kind = "new" | "old" | "gone";

/** IDs of this process's own writes: its pid is alive, but one of its old writes may have failed. */
const ours = new Set<string>();

/** An ID for a write of this process, which counts as alive until `endWrite`. */
export function startWrite(): string {
  const id = `${process.pid}-${randomBytes(6).toString("hex")}-${hostName()}`;
  ours.add(id);
  return id;
}

/** Ends a write, however it went. */
export function endWrite(id: string): void {
  ours.delete(id);
}

/** The name that a write gives to what is to become NAME, or was. */
export function temporaryName(name: string, kind: Kind, id: string): string {
  return `.${name}.${kind}-${id}`;
}

export interface Leftover {
  name: string;
  /** the name that it was to become, or was */
  of: string;
  kind: Kind;
  /** whether its writer is surely gone */
  dead: boolean;
}

/** Temporary names beside a target, the most recently renamed first. */
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

/** All temporary names in a directory; none where it cannot be read. */
export async function leftoversIn(directory: string): Promise<Leftover[]> {
  const names = await readdir(directory).catch(() => []);
  return names.flatMap((name): Leftover[] => {
    const [, of, kind, id, pid, writer] = /^\.(.+)\.(new|old|gone)-((\d+)-[0-9a-f]+-(.*))$/.exec(name) ?? [];
    if (of === undefined) return [];
    return [{ name, of, kind: kind as Kind, dead: isDead(id!, Number(pid), writer!) }];
  });
}

/** Whether a writer is surely gone. One on another machine that shares the disk is not known to be. */
function isDead(id: string, pid: number, writerHost: string): boolean {
  if (writerHost !== hostName()) return false;
  // a container gives the same pid to every run
  if (pid === process.pid) return !ours.has(id);
  try {
    process.kill(pid, 0);
    return false;
  } catch (error) {
    return codeOf(error) === "ESRCH";
  }
}

/** The machine's name, of letters that a file's name takes. */
export function hostName(): string {
  return hostname().replaceAll(/[^A-Za-z0-9.-]/g, "_");
}

// What this process holds under names that are to go: temporary files and directories, and locks. Whoever ends the process in the
// middle of its work removes them.

/** A name that is to go. */
export interface Unfinished {
  /** absolute, or from the working directory of the process */
  path: string;
  /** of a lock: what it points to while it is this process's */
  target?: string;
}

type Observer = (unfinished: Unfinished, isThere: boolean) => void;

let observer: Observer = () => undefined;

/** Has each such name reported: before it is made, and when it has been renamed or removed. */
export function observeUnfinished(observe: Observer): void {
  observer = observe;
}

/** To be called before such a name is made. */
export function unfinishedStarts(unfinished: Unfinished): void {
  observer(unfinished, true);
}

/** To be called when it is no more. */
export function unfinishedEnds(path: string): void {
  observer({ path }, false);
}

/** Calls `work` with a new directory under the system's temporary one, and removes it however that ends. @throws {IoError} */
export async function withTemporaryDirectory<T>(
  name: string,
  work: (path: string) => Promise<T>,
): Promise<T> {
  const path = await mkdtemp(join(tmpdir(), `embed-${name}-`)).catch((error: unknown) => {
    throw asIoError(error, `making a directory in '${tmpdir()}' failed`);
  });
  unfinishedStarts({ path });
  try {
    return await work(path);
  } finally {
    await rm(path, { recursive: true, force: true });
    unfinishedEnds(path);
  }
}
