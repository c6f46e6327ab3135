// A symbolic link, such as `latest`, to a file or directory next to it. The link is replaced by one rename, so that it
// always names a complete target.

import { readlink, rename, rm, symlink } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { endWrite, startWrite, temporaryName, unfinishedEnds, unfinishedStarts } from "./leftovers.js";
import { asCreateError, asIoError, codeOf, syncDirectory } from "./write.js";

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
 * Makes the link point to another target next to it; a concurrent reader finds the old target or the new one.
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
