// A symbolic link that names one of its siblings, as `latest` does: moved by one rename, so that it always names a whole one.

import { readlink, rename, rm, symlink } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { endWrite, startWrite, temporaryName, unfinishedEnds, unfinishedStarts } from "./leftovers.js";
import { asCreateError, asIoError, codeOf, syncDirectory } from "./write.js";

/** The name that a link names; undefined when there is no link. @throws {IoError} it cannot be read */
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
 * Lets a link name another sibling: whoever follows it finds the old one or the new one.
 *
 * @throws {OutputError} it cannot be made: a read-only file system, no permission
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
