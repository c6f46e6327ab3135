// Lists directories, and copies, renames, links and removes files.

import { constants } from "node:fs";
import {
  copyFile,
  link,
  lstat,
  mkdir,
  readdir,
  realpath,
  readlink,
  rename,
  rm,
  rmdir,
  stat,
  symlink,
} from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { endWrite, startWrite, temporaryName, unfinishedEnds, unfinishedStarts } from "./leftovers.js";
import { asCreateError, asIoError, codeOf, syncDirectory } from "./write.js";

/** The kind of a path: file, directory, link or another. A link is not followed. */
export type EntryKind = "file" | "directory" | "link" | "other";

export interface Entry {
  name: string;
  kind: EntryKind;
}

/** Returns the entries of a directory by name; none of a missing one or a file. @throws {IoError} it cannot be read */
export async function entriesOf(path: string): Promise<Entry[]> {
  try {
    const found = await readdir(path, { withFileTypes: true });
    return found
      .map((entry): Entry => ({ name: entry.name, kind: kindOfEntry(entry) }))
      .sort((a, b) => (a.name < b.name ? -1 : 1));
  } catch (error) {
    if (codeOf(error) === "ENOENT" || codeOf(error) === "ENOTDIR") return [];
    throw asIoError(error, `reading the directory '${path}' failed`);
  }
}

/** Returns the kind of a path, which may be a link; undefined if it does not exist. @throws {IoError} */
export async function kindAt(path: string): Promise<EntryKind | undefined> {
  try {
    return kindOfEntry(await lstat(path));
  } catch (error) {
    if (codeOf(error) === "ENOENT" || codeOf(error) === "ENOTDIR") return undefined;
    throw asIoError(error, `looking at '${path}' failed`);
  }
}

function kindOfEntry(entry: {
  isFile(): boolean;
  isDirectory(): boolean;
  isSymbolicLink(): boolean;
}): EntryKind {
  if (entry.isFile()) return "file";
  if (entry.isDirectory()) return "directory";
  return entry.isSymbolicLink() ? "link" : "other";
}

/** Returns the paths of all files below a directory, relative to it, with slashes. @throws {IoError} unreadable */
export async function filesBelow(path: string): Promise<string[]> {
  const found = await entriesOf(path);
  const each = found.map(async ({ name, kind }) =>
    kind === "directory" ? (await filesBelow(join(path, name))).map((file) => `${name}/${file}`) : [name],
  );
  return (await Promise.all(each)).flat();
}

/** Returns the size and modification time of a file or directory; undefined if it does not exist. @throws {IoError} */
export async function statOf(
  path: string,
): Promise<{ bytes: number; changed: Date; isDirectory: boolean; isFile: boolean } | undefined> {
  try {
    const found = await stat(path);
    const isFile = found.isFile();
    return { bytes: found.size, changed: found.mtime, isDirectory: found.isDirectory(), isFile };
  } catch (error) {
    if (codeOf(error) === "ENOENT" || codeOf(error) === "ENOTDIR") return undefined;
    throw asIoError(error, `looking at '${path}' failed`);
  }
}

/** Returns the path after following links; undefined if it does not exist. @throws {IoError} */
export async function realPathOf(path: string): Promise<string | undefined> {
  try {
    return await realpath(path);
  } catch (error) {
    if (codeOf(error) === "ENOENT" || codeOf(error) === "ENOTDIR") return undefined;
    throw asIoError(error, `following '${path}' failed`);
  }
}

/** Creates a directory and its parents. @throws {OutputError} it cannot be created @throws {IoError} disk full */
export async function makeDirectory(path: string): Promise<void> {
  try {
    // creates one level at a time, because the recursive mkdir reports ENOENT on a read-only file system
    await mkdir(path);
  } catch (error) {
    if (codeOf(error) === "EEXIST" && (await statOf(path))?.isDirectory) return;
    const parent = dirname(resolve(path));
    if (codeOf(error) !== "ENOENT" || (await statOf(parent))) {
      throw asCreateError(error, `cannot make the directory '${path}'`);
    }
    await makeDirectory(parent);
    await makeDirectory(path);
  }
}

/**
 * Copies a file to a new name and creates missing directories.
 *
 * The copy is independent of the original. File systems with copy-on-write (Btrfs, XFS) share the space until one of
 * them changes.
 *
 * @throws errors of the file system unchanged
 */
export async function placeFile(from: string, to: string): Promise<void> {
  await mkdir(dirname(to), { recursive: true });
  await copyFile(from, to, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE);
}

/**
 * Creates a hard link to a file, or a copy if the file system does not support links.
 *
 * @throws errors of the file system unchanged
 */
export async function linkFile(from: string, to: string): Promise<void> {
  await mkdir(dirname(to), { recursive: true });
  try {
    await link(from, to);
  } catch (error) {
    if (!CANNOT_LINK.has(codeOf(error) ?? "")) throw error;
    await copyFile(from, to, constants.COPYFILE_EXCL);
  }
}

/** Codes of the errors by which a file system reports that it supports no hard links, or no further ones of a file. */
const CANNOT_LINK = new Set(["EPERM", "ENOTSUP", "EOPNOTSUPP", "ENOSYS", "EMLINK"]);

/**
 * Removes a directory or file of a store. It is first renamed to a name that is never restored, so that under its own
 * name it is complete until it disappears. Only directories are synced; an interrupted removal leaves a leftover.
 *
 * @throws {OutputError} not permitted @throws {IoError} the device failed
 */
export async function removeWhole(path: string): Promise<void> {
  const parent = dirname(resolve(path));
  const id = startWrite();
  const gone = join(parent, temporaryName(basename(path), "gone", id));
  unfinishedStarts({ path: gone });
  try {
    await rename(path, gone);
    await syncDirectory(parent);
    await rm(gone, { recursive: true });
  } catch (error) {
    throw asCreateError(error, `cannot remove '${path}'`);
  } finally {
    endWrite(id);
    unfinishedEnds(gone);
  }
}

/**
 * Removes a file, or a directory with its content, such as a killed writer's leftover.
 *
 * @throws {OutputError} not permitted @throws {IoError} the device failed
 */
export async function removeTree(path: string): Promise<void> {
  try {
    await rm(path, { recursive: true, force: true });
  } catch (error) {
    throw asCreateError(error, `cannot remove '${path}'`);
  }
}

export async function removeEmpty(path: string): Promise<void> {
  await rmdir(path).catch(() => undefined);
}

/** Returns the name that a link points to; undefined if there is no link. @throws {IoError} it cannot be read */
export async function readPointer(path: string): Promise<string | undefined> {
  try {
    return await readlink(path);
  } catch (error) {
    const code = codeOf(error);
    if (code === "ENOENT" || code === "ENOTDIR" || code === "EINVAL") return undefined;
    throw asIoError(error, `reading the link '${path}' failed`);
  }
}

/**
 * Makes a link, such as `latest`, point to another file or directory next to it, by one rename: a concurrent reader
 * finds the old target or the new one.
 *
 * @throws {OutputError} the link cannot be created: a read-only file system, no permission
 * @throws {IoError} the disk is full
 */
export async function movePointer(path: string, name: string): Promise<void> {
  const parent = dirname(resolve(path));
  const id = startWrite();
  const temporary = join(parent, temporaryName(basename(path), "new", id));
  unfinishedStarts({ path: temporary });
  try {
    await symlink(name, temporary);
    await rename(temporary, path);
    await syncDirectory(parent);
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined);
    throw asCreateError(error, `cannot point '${path}' to '${name}'`);
  } finally {
    endWrite(id);
    unfinishedEnds(temporary);
  }
}
