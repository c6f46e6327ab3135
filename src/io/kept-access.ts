// Gives an output the mode, owner and group of the file or directory that it replaces.

import { chmod, chown, lstat, readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { codeOf } from "./write.js";

export interface Access {
  mode: number;
  uid: number;
  gid: number;
}

const OWNER_MAY_WRITE = 0o700;

/** Returns the mode, owner and group of a path, following links; undefined if it does not exist. */
export async function accessOf(path: string): Promise<Access | undefined> {
  return await stat(path).catch(() => undefined);
}

/**
 * Gives an output, which is still being written, the access rights of the one that it replaces, and keeps it writable.
 */
export async function giveWhileWritten(path: string, { mode, uid, gid }: Access): Promise<void> {
  await give(path, { mode: mode | ((await lstat(path)).isDirectory() ? OWNER_MAY_WRITE : 0o600), uid, gid });
}

/**
 * Gives an output the access rights of the one that it replaces, which is at `old`, and likewise each file and folder
 * that both contain.
 */
export async function keepAccess(old: string, made: string): Promise<void> {
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
