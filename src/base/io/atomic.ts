// Writes a directory or a file completely or not at all: under a temporary name beside its target, which is synced and
// renamed.
//
//   .NAME.new-ID   the output while it is written; no command reads it, and its access rights are at most those of the
//                  old NAME
//   .NAME.old-ID   with force: the old NAME, between the two renames
//   ID             identifies the writer, see leftovers
//
// If the process is killed between the two renames, NAME is missing: restoreInterrupted restores the old one.

import { constants } from "node:fs";
import { access, lstat, mkdir, open, readdir, rename, rm, stat, chmod, chown } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { OutputError } from "../errors.js";
import { checkReplaceable, type OwnDirectory } from "./replaceable.js";
import {
  restoreInterrupted,
  endWrite,
  leftoversOf,
  startWrite,
  temporaryName,
  unfinishedEnds,
  unfinishedStarts,
} from "./leftovers.js";
import { asCreateError, asIoError, codeOf, syncDirectory, writeUnlisted, type Chunks } from "./write.js";

export type WriteStep = "written" | "old-aside" | "in-place";

export interface AtomicOptions {
  /** aborts the write: the temporary file or directory is removed, and the promise rejects with the signal's reason */
  signal?: AbortSignal;
  /** the kind of directory that --force may replace; this protects other directories from a mistyped path */
  own?: OwnDirectory;
  /** called after each step of the write; tests interrupt the writer there */
  onStep?: (step: WriteStep) => void | Promise<void>;
}

/**
 * Checks, before long work starts, that its output can be written.
 *
 * @throws {OutputError} the target exists (without force), is not an output of this program, or its parent is not
 *   writable
 */
export async function checkOutput(
  target: string,
  force: boolean,
  kind: "directory" | "file" = "directory",
  own?: OwnDirectory,
): Promise<void> {
  const existing = await lstat(target).catch(() => undefined);
  if (existing && kind === "file" && (await isSpecial(target))) return;
  if (existing && !force) {
    throw new OutputError(`output '${target}' already exists: replace it with --force, or choose another -o`);
  }
  if (existing && kind === "file" && (await isDirectory(target))) {
    throw new OutputError(`output '${target}' is a directory, expected a file name`);
  }
  if (existing && kind === "directory") await checkDirectory(target, own);
  const parent = dirname(resolve(target));
  try {
    await access(parent, constants.W_OK | constants.X_OK);
  } catch (error) {
    const problem = codeOf(error) === "ENOENT" ? "does not exist" : "cannot be written to";
    throw new OutputError(`cannot create '${target}': the directory '${parent}' ${problem}`, {
      cause: error,
    });
  }
}

/**
 * Writes a directory completely or not at all: `write` fills it under a temporary name, every file is synced, then it
 * is renamed.
 *
 * On an error or abort, the temporary is removed and the old target is unchanged.
 *
 * @throws {OutputError} as checkOutput, or the target was created meanwhile
 * @throws {IoError} disk full, permission and the like during the write
 */
export async function writeDirectory(
  target: string,
  force: boolean,
  write: (dir: string) => Promise<void>,
  { signal, own, onStep }: AtomicOptions = {},
): Promise<void> {
  await restoreInterrupted(target);
  await checkOutput(target, force, "directory", own);
  await sweep(target);
  await underTemporaryName(target, "directory", async (temporary, old) => {
    await write(temporary);
    await syncTree(temporary);
    await onStep?.("written");
    signal?.throwIfAborted();

    const exists = await lstat(target).catch(() => undefined);
    if (exists && !force)
      throw new OutputError(`output '${target}' was created by another program in the meantime`);
    if (exists) {
      // checks again, because hours may have passed since the first check
      await checkDirectory(target, own);
      await keepAccess(target, temporary);
      await rename(target, old);
      await onStep?.("old-aside");
    }
    try {
      await rename(temporary, target);
    } catch (error) {
      if (exists) await rename(old, target);
      throw error;
    }
    await syncDirectory(dirname(resolve(target)));
    await onStep?.("in-place");
    // the new directory is complete; if the old one cannot be deleted now, the next write deletes it
    if (exists) await rm(old, { recursive: true, force: true }).catch(() => undefined);
  });
}

/**
 * Writes a file completely or not at all. A device or a pipe (`/dev/null`) is written directly, because it cannot be
 * replaced.
 *
 * @throws {OutputError} as checkOutput
 * @throws {IoError} disk full, permission and the like during the write
 */
export async function writeFileAtomic(
  path: string,
  chunks: Chunks,
  force: boolean,
  { signal, onStep }: AtomicOptions = {},
): Promise<void> {
  await checkOutput(path, force, "file");
  if (await isSpecial(path)) {
    try {
      await writeUnlisted(path, chunks, signal);
    } catch (error) {
      throw asIoError(error, `writing '${path}' failed`);
    }
    return;
  }
  const write = async (temporary: string): Promise<void> => {
    await writeUnlisted(temporary, chunks, signal);
  };
  await writeFileBy(path, write, force, { signal, onStep });
}

/**
 * Writes a file as writeFileAtomic does; if the path is missing or `-`, passes the chunks to `write` instead.
 *
 * @throws {OutputError} as checkOutput
 * @throws {IoError} as writeFileAtomic
 */
export async function writeFileOr(
  write: (chunk: Uint8Array) => Promise<void>,
  path: string | undefined,
  chunks: Chunks,
  { force, signal }: { force: boolean; signal: AbortSignal },
): Promise<void> {
  if (path !== undefined && path !== "-") return await writeFileAtomic(path, chunks, force, { signal });
  for await (const chunk of chunks) {
    signal.throwIfAborted();
    await write(chunk);
  }
}

/**
 * Writes a file completely or not at all: `write` fills an empty file under a temporary name, which is synced and
 * renamed.
 *
 * @throws {OutputError} as checkOutput, or the target is a device or a pipe, which cannot be replaced by renaming
 * @throws {IoError} disk full, permission and the like during the write
 */
export async function writeFileBy(
  path: string,
  write: (temporary: string) => Promise<void>,
  force: boolean,
  { signal, onStep }: AtomicOptions = {},
): Promise<void> {
  await checkOutput(path, force, "file");
  if (await isSpecial(path)) throw new OutputError(`output '${path}' is not a file: expected a file name`);
  await sweep(path);
  await underTemporaryName(path, "file", async (temporary) => {
    await write(temporary);
    await syncDirectory(temporary);
    await onStep?.("written");
    signal?.throwIfAborted();
    if (!force && (await lstat(path).catch(() => undefined))) {
      throw new OutputError(`output '${path}' was created by another program in the meantime`);
    }
    await keepAccess(path, temporary);
    await rename(temporary, path);
    await syncDirectory(dirname(resolve(path)));
  });
}

/**
 * Creates a directory next to a target, complete and synced, and calls `use` with it. The directory is removed
 * afterwards, even after an error.
 *
 * @param isNeeded whether something still refers to the directory after an error; if so, it is kept
 * @throws {IoError} disk full, permission and the like during the write
 */
export async function withTemporary(
  target: string,
  write: (dir: string) => Promise<void>,
  use: (dir: string) => Promise<void>,
  isNeeded: (dir: string) => Promise<boolean>,
): Promise<void> {
  const whole = async (temporary: string): Promise<void> => {
    await write(temporary);
    await syncTree(temporary);
    await use(temporary);
    await rm(temporary, { recursive: true });
  };
  await underTemporaryName(target, "directory", whole, isNeeded);
}

/** Runs a write under a temporary name; the temporary file or directory is removed if the write fails. */
async function underTemporaryName(
  target: string,
  kind: "directory" | "file",
  write: (temporary: string, old: string) => Promise<void>,
  isNeeded?: (temporary: string) => Promise<boolean>,
): Promise<void> {
  const id = startWrite();
  const [parent, name] = [dirname(resolve(target)), basename(resolve(target))];
  const temporary = join(parent, temporaryName(name, "new", id));
  // unfinished outputs are registered, so that they are removed when the process ends, unless something may still refer
  // to them
  if (!isNeeded) unfinishedStarts({ path: temporary });
  try {
    try {
      const access = await stat(target).catch(() => undefined);
      if (kind === "directory") await mkdir(temporary, access ? 0o700 : 0o777);
      else await (await open(temporary, "wx", access ? 0o600 : 0o666)).close();
      if (access) await giveWhileWritten(temporary, access);
    } catch (error) {
      throw asCreateError(error, `cannot create '${target}'`);
    }
    await write(temporary, join(parent, temporaryName(name, "old", id)));
  } catch (error) {
    if (!(await isNeeded?.(temporary))) {
      await rm(temporary, { recursive: true, force: true }).catch(() => undefined);
    }
    throw asIoError(error, `writing '${target}' failed`);
  } finally {
    endWrite(id);
    unfinishedEnds(temporary);
  }
}

/** Removes temporary files that dead writers left next to a target, whether the target exists or not. */
async function sweep(target: string): Promise<void> {
  const parent = dirname(resolve(target));
  const kinds = (await lstat(target).catch(() => undefined)) ? (["new", "old"] as const) : (["new"] as const);
  for (const kind of kinds) {
    for (const { name, dead } of await leftoversOf(target, kind)) {
      if (dead) await rm(join(parent, name), { recursive: true, force: true }).catch(() => undefined);
    }
  }
}

async function checkDirectory(target: string, own: OwnDirectory | undefined): Promise<void> {
  if (!(await isDirectory(target))) {
    throw new OutputError(`output '${target}' is a file, expected a directory or a new name`);
  }
  if (own) await checkReplaceable(target, own);
}

async function isDirectory(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined))?.isDirectory() ?? false;
}

async function isSpecial(path: string): Promise<boolean> {
  const found = await stat(path).catch(() => undefined);
  return found !== undefined && !found.isFile() && !found.isDirectory();
}

/** Syncs every file and directory of a tree, leaves first. */
async function syncTree(dir: string): Promise<void> {
  for (const entry of await readdir(dir, { withFileTypes: true })) {
    const path = join(dir, entry.name);
    if (entry.isDirectory()) await syncTree(path);
    else await syncDirectory(path);
  }
  await syncDirectory(dir);
}

interface Access {
  mode: number;
  uid: number;
  gid: number;
}

const OWNER_MAY_WRITE = 0o700;

/** The access rights of the output that is replaced; the new one stays writable while it is written. */
async function giveWhileWritten(path: string, { mode, uid, gid }: Access): Promise<void> {
  await give(path, { mode: mode | ((await lstat(path)).isDirectory() ? OWNER_MAY_WRITE : 0o600), uid, gid });
}

/** Gives an output the access rights of the old one, and likewise each file and folder that both contain. */
async function keepAccess(old: string, made: string): Promise<void> {
  const [before, now] = [await stat(old).catch(() => undefined), await lstat(made)];
  if (!before || before.isDirectory() !== now.isDirectory()) return;
  if (now.isDirectory())
    for (const name of await readdir(made)) await keepAccess(join(old, name), join(made, name));
  await give(made, before);
}

async function give(path: string, { mode, uid, gid }: Access): Promise<void> {
  // tries to set owner and group, then the group alone, because only root may change the owner
  await chown(path, uid, gid).catch(() => chown(path, -1, gid).catch(() => undefined));
  const isInGroup = (await lstat(path)).gid === gid;
  // if the group could not be changed, the new group gets the rights of all other users instead of the old group's
  // rights
  const others = mode & 0o7;
  const permitted = isInGroup ? mode & 0o7777 : (mode & 0o700) | (others << 3) | others;
  await chmod(path, permitted).catch((error: unknown) => {
    // ignores errors of file systems that do not store access rights
    if (!["EPERM", "ENOTSUP", "EOPNOTSUPP", "ENOSYS"].includes(codeOf(error) ?? "")) throw error;
  });
}
