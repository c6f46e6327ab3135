// Directories of files: what is in them, and copying, renaming and removing it.

import { constants } from "node:fs";
import { copyFile, link, lstat, mkdir, readdir, realpath, rename, rm, rmdir, stat } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { endWrite, startWrite, temporaryName, unfinishedEnds, unfinishedStarts } from "./leftovers.js";
import { asCreateError, asIoError, codeOf, syncDirectory } from "./write.js";

/** What stands at a path itself, no link followed. */
export type Kind = "file" | "directory" | "link" | "other";

/** What a directory holds by one name. */
export interface Entry {
  name: string;
  kind: Kind;
}

/** The entries of a directory by name; none when it does not exist or is a file. @throws {IoError} it cannot be read */
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

/** What stands at a path, which may be a link; undefined when nothing does. @throws {IoError} */
export async function kindAt(path: string): Promise<Kind | undefined> {
  try {
    return kindOfEntry(await lstat(path));
  } catch (error) {
    if (codeOf(error) === "ENOENT" || codeOf(error) === "ENOTDIR") return undefined;
    throw asIoError(error, `looking at '${path}' failed`);
  }
}

function kindOfEntry(entry: { isFile(): boolean; isDirectory(): boolean; isSymbolicLink(): boolean }): Kind {
  if (entry.isFile()) return "file";
  if (entry.isDirectory()) return "directory";
  return entry.isSymbolicLink() ? "link" : "other";
}

/** Paths of all files below a directory, relative to it, with slashes. @throws {IoError} it cannot be read */
export async function filesBelow(path: string): Promise<string[]> {
  const found = await entriesOf(path);
  const each = found.map(async ({ name, kind }) =>
    kind === "directory" ? (await filesBelow(join(path, name))).map((file) => `${name}/${file}`) : [name],
  );
  return (await Promise.all(each)).flat();
}

/** Size and time of the last change of a file or directory; undefined when there is none. @throws {IoError} */
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

/** Where a path leads once links are followed; undefined when nowhere. @throws {IoError} */
export async function realPathOf(path: string): Promise<string | undefined> {
  try {
    return await realpath(path);
  } catch (error) {
    if (codeOf(error) === "ENOENT" || codeOf(error) === "ENOTDIR") return undefined;
    throw asIoError(error, `following '${path}' failed`);
  }
}

/** Makes a directory and those on the way to it, if they are not there. @throws {OutputError} cannot be made @throws {IoError} disk full */
export async function makeDirectory(path: string): Promise<void> {
  try {
    // step by step: mkdir's own recursion says ENOENT where the file system is read-only
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
 * Copies a file to a new name; directories on the way are made.
 *
 * The copy is of its own: a byte that changes in one changes not in the other. File systems that can (Btrfs, XFS) share the
 * space until then.
 *
 * @throws errors of the file system as they are
 */
export async function placeFile(from: string, to: string): Promise<void> {
  await mkdir(dirname(to), { recursive: true });
  await copyFile(from, to, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE);
}

/**
 * Gives a file a second name, under which it is the same file; a copy where the file system cannot.
 *
 * @throws errors of the file system as they are
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

/** No links at all, or too many of one file. */
const CANNOT_LINK = new Set(["EPERM", "ENOTSUP", "EOPNOTSUPP", "ENOSYS", "EMLINK"]);

/**
 * Removes a directory, or a file, that a store no longer needs: it is renamed first, to a name that nothing brings back, so that
 * under its own name it is whole until it is gone. Only directories are synced; what is left of a killed removal is a leftover.
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

/** Removes a leftover. @throws {OutputError} not permitted @throws {IoError} the device failed */
export async function removeTree(path: string): Promise<void> {
  try {
    await rm(path, { recursive: true, force: true });
  } catch (error) {
    throw asCreateError(error, `cannot remove '${path}'`);
  }
}

/** Removes a directory that is empty; leaves one that is not. */
export async function removeEmpty(path: string): Promise<void> {
  await rmdir(path).catch(() => undefined);
}
